import { expect, test } from "vitest";
import { fileName } from "../../src/html/page/file-name.ts";

test.each([
  [null, "/report", "text/html", "report.html"],
  [null, "/data.csv", "text/csv", "data.csv"],
  [null, "/", "application/json", "content.json"],
  [null, "/a/b%2Fc/", "", "b_c"],
  [null, "/..", "image/png", "content.png"],
  [null, "/picture", "image/svg+xml", "picture.svg"],
  ["attachment", "/paper", "application/pdf", "paper.pdf"],
  ['attachment; filename="a \\"b\\".txt"', "/x", "", 'a "b".txt'],
  ["attachment; filename=plain.txt; size=3", "/x", "", "plain.txt"],
  ["attachment; filename=x.txt; filename*=UTF-8''%C3%A4.txt", "/x", "", "ä.txt"],
  ["attachment; filename*=UTF-8''%FF", "/x", "text/plain", "x.txt"],
  ['attachment; filename="../../etc/passwd"', "/x", "", ".._.._etc_passwd"],
  ['attachment; filename="a\u202egpj.exe"', "/x", "", "a_gpj.exe"],
])("a download with %j at %s of %j is named %s", (disposition, path, type, name) => {
  expect(fileName(disposition, path, type)).toBe(name);
});
