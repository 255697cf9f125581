import { describe, expect, test } from "vitest";
import { routeTable } from "../../src/server/route-table.ts";

const table = (...keys: string[]) => routeTable(Object.fromEntries(keys.map((key) => [key, key])));

describe("spellings of one path have one price", () => {
  test.each([
    "/report",
    "/report/",
    "/report//",
    "//report",
    "///report",
    "/REPORT",
    "/Report",
    "/%72eport",
    "/%52EPORT",
    "/r%65po%72t",
    "/%72%65%70%6f%72%74",
    "/%2572eport",
    "/%252572eport",
    "/report%2f",
    "/report%2F",
    "/%2freport",
    "/%2Freport",
    "\\report",
    "/report\\",
    "/%5creport",
    "/./report",
    "/report/.",
    "/x/../report",
    "/report/x/..",
    "/%2e/report",
    "/x/%2e%2e/report",
    "/x/%252e%252e/report",
    "/x%2f..%2freport",
    "/../report",
    "/..//report",
  ])("%s", (path) => {
    expect(table("GET /report").find("GET", path)).toBe("GET /report");
  });

  test.each([
    "/",
    "/reports",
    "/report/1",
    "/xreport",
    "/reportx",
    "/x/report",
    "/repor",
    "/report.json",
    "/report%00x",
  ])("%s is another path", (path) => {
    expect(table("GET /report").find("GET", path)).toBeUndefined();
  });

  test.each([
    ["/:lang/report", "/./report"],
    ["/:lang/report", "/../report"],
    ["/:lang/report", "/en\\x/report"],
    ["/[lang]/report", "/..%5cx/report"],
    ["/a/:x/y", "/a/../y"],
    ["/a/:x/y", "/A/b\\..\\c/y"],
    ["/files/*", "/files/../report"],
  ])("%s is also the price of %s, which many routers read as it is", (key, path) => {
    expect(table(key).find("GET", path)).toBe(key);
  });

  test("bad encodings and absurd lengths do not throw", () => {
    for (const path of [
      "",
      "%",
      "/%",
      "/%zz",
      "/%ff%fe",
      "/%e0%a4",
      "/%c0%ae",
      "/\u0000",
      "/💸",
      "/".repeat(10_000),
      "/%25".repeat(5000),
    ]) {
      expect(() => table("GET /report", "/files/*", "/items/[id]").find("GET", path)).not.toThrow();
    }
  });

  test.each([
    ["/a/*/b/*", `/a/${"b/".repeat(4000)}`],
    ["/a/*/b/*/c", `/a/${"b/".repeat(4000)}`],
    ["/a/*/b/*/c/*/d", `/a/${"b/".repeat(4000)}`],
    ["/*/*/*/*/x", `/${"a/".repeat(150)}`],
    ["/[a]/:b/[c]/:d", "/".repeat(8000)],
  ])("a hostile path does not take long with the key %s", (key, path) => {
    const started = performance.now();
    table(key).find("GET", path);
    expect(performance.now() - started).toBeLessThan(200);
  });
});

describe("methods", () => {
  test("HEAD is priced as GET", () => {
    expect(table("GET /report").find("HEAD", "/report")).toBe("GET /report");
    expect(table("POST /report").find("HEAD", "/report")).toBeUndefined();
  });

  test("a key of one method is for no other", () => {
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
      expect(table("GET /report").find(method, "/report")).toBeUndefined();
    }
  });

  test.each(["/report", "* /report"])("the key %j is for every method", (key) => {
    for (const method of ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "QUERY"]) {
      expect(table(key).find(method, "/report")).toBe(key);
    }
  });

  test("the method of a key may be in any case, with any space", () => {
    expect(table("get  /report").find("GET", "/report")).toBe("get  /report");
  });
});

describe("parameters", () => {
  test.each(["/items/[id]", "/items/:id"])(
    "%s matches one segment, however it is written",
    (key) => {
      for (const path of [
        "/items/1",
        "/items/a%2fb",
        "/items/%31",
        "/ITEMS/x",
        "/items/1/",
        "/items//1",
        "/items/..%2f1",
        "/%69tems/1",
      ]) {
        expect(table(key).find("GET", path), path).toBe(key);
      }
      for (const path of ["/items", "/items/", "/items/1/reviews", "/item/1"]) {
        expect(table(key).find("GET", path), path).toBeUndefined();
      }
    },
  );

  test("in the middle", () => {
    expect(table("/a/:x/b/[y]").find("GET", "/a/1/b/2")).toBe("/a/:x/b/[y]");
    expect(table("/a/:x/b/[y]").find("GET", "/a/1/c/2")).toBeUndefined();
  });

  test("an optional one matches with and without, as routers do", () => {
    expect(table("/items/:id?").find("GET", "/items/1")).toBe("/items/:id?");
    expect(table("/items/:id?").find("GET", "/items")).toBe("/items/:id?");
  });
});

describe("wildcards", () => {
  test.each([
    "/files/a",
    "/files/a/b/c",
    "/files/a%2fb",
    "/FILES/a",
    "/files/%2e%2e/a",
    "/files/a/",
    "/%66iles/a",
    "/files/a\nb",
  ])("/files/* matches %j", (path) => {
    expect(table("/files/*").find("GET", path)).toBe("/files/*");
  });

  test.each(["/files", "/files/", "/files//"])("/files/* matches %s, as Hono's does", (path) => {
    expect(table("/files/*").find("GET", path)).toBe("/files/*");
  });

  test("* matches everything", () => {
    for (const path of ["/", "/a", "/a/b", "//", "/%2e"])
      expect(table("*").find("GET", path)).toBe("*");
  });

  test("other signs of regular expressions are signs of paths", () => {
    expect(table("/a.b").find("GET", "/axb")).toBeUndefined();
    expect(table("/a+b/(c)").find("GET", "/a+b/(c)")).toBe("/a+b/(c)");
    expect(table("/a|b").find("GET", "/a")).toBeUndefined();
  });
});

test("the first key that matches counts", () => {
  expect(table("GET /files/free", "/files/*").find("GET", "/files/free")).toBe("GET /files/free");
  expect(table("/files/*", "GET /files/free").find("GET", "/files/free")).toBe("/files/*");
});

describe("forms of other routers", () => {
  test.each([
    ["/files/*path", "/files/a/b.pdf"],
    ["/day-:day", "/day-7"],
    ["/day-[day]", "/day-7"],
    ["/v:major.:minor/report", "/v1.2/report"],
    ["/day-:day?", "/day-"],
    ["/users:batch", "/users:batch"],
  ])("%s prices %s", (key, path) => {
    expect(table(key).find("GET", path)).toBe(key);
  });

  test.each([
    ["/day-:day", "/day-"],
    ["/day-:day", "/today-7"],
    ["/day-:day", "/day-7/x"],
    ["/users:batch", "/users"],
    ["/v:major.:minor", "/v1."],
  ])("%s does not price %s", (key, path) => {
    expect(table(key).find("GET", path)).toBeUndefined();
  });

  test.each(["/report{/:day}", "/{:lang}/report", "/report{.:ext}"])("%s is refused", (key) => {
    expect(() => table(key)).toThrow(TypeError);
  });
});
