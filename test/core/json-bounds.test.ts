import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { X402Error } from "../../src/core/errors.ts";
import {
  MAX_EXTENSION_DEPTH,
  MAX_JSON_DEPTH,
  MAX_OBJECT_KEYS,
  parseJson,
} from "../../src/core/json.ts";
import { parseText } from "../../src/core/parse.ts";

/** `depth` arrays around a value. */
const arrays = (depth: number, inside = "1") => "[".repeat(depth) + inside + "]".repeat(depth);
const objects = (depth: number, inside = "1") => '{"a":'.repeat(depth) + inside + "}".repeat(depth);
const wide = (keys: number) => `{${Array.from({ length: keys }, (_, i) => `"k${i}":0`).join(",")}}`;

describe("depth", () => {
  test.each([
    ["arrays", arrays],
    ["objects", objects],
  ])("8 levels of %s are read, 9 are not", (_, nested) => {
    expect(() => parseJson(nested(MAX_JSON_DEPTH))).not.toThrow();
    expect(() => parseJson(nested(MAX_JSON_DEPTH + 1))).toThrow(SyntaxError);
  });

  test("below extensions there may be 20 levels, and no more", () => {
    const extensions = (depth: number) => `{"extensions":${objects(depth)}}`;
    expect(() => parseJson(extensions(MAX_EXTENSION_DEPTH))).not.toThrow();
    expect(() => parseJson(extensions(MAX_EXTENSION_DEPTH + 1))).toThrow(SyntaxError);
  });

  test("extensions inside extensions do not start the count again", () => {
    const inner = `{"extensions":${objects(MAX_EXTENSION_DEPTH)}}`;
    expect(() => parseJson(`{"extensions":${objects(14, inner)}}`)).toThrow(SyntaxError);
  });

  test("nesting as deep as 64 KiB allow is refused like any other", () => {
    const link = (inside: string) => `{"extensions":${arrays(12, inside)}}`;
    let text = "1";
    while (text.length < 64_000) text = link(text);
    for (const hostile of [text, arrays(32_000), objects(10_000)]) {
      expect(() => parseJson(hostile)).toThrow(SyntaxError);
    }
  });
});

describe("keys", () => {
  test("64 keys of an object are read, 65 are not, wherever it is", () => {
    for (const at of [(inside: string) => inside, (inside: string) => `[{"a":${inside}}]`]) {
      expect(() => parseJson(at(wide(MAX_OBJECT_KEYS)))).not.toThrow();
      expect(() => parseJson(at(wide(MAX_OBJECT_KEYS + 1)))).toThrow(SyntaxError);
    }
  });

  test("__proto__, constructor and prototype are refused at any depth, however they are written", () => {
    const name = fc.constantFrom("__proto__", "constructor", "prototype");
    const spelling = name.map((text) =>
      text.replace(/./g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`),
    );
    const path = fc.array(fc.constantFrom('{"a":', '{"extensions":', "["), { maxLength: 6 });
    fc.assert(
      fc.property(fc.oneof(name, spelling), path, (key, opens) => {
        const closes = opens.map((open) => (open === "[" ? "]" : "}")).toReversed();
        const text = `${opens.join("")}{"${key}":1}${closes.join("")}`;
        expect(() => parseJson(text)).toThrow("has a forbidden key");
      }),
    );
  });

  test("names that only look like forbidden keys are read", () => {
    expect(parseJson('{"proto":1,"Constructor":2,"x":"__proto__"}')).toEqual({
      proto: 1,
      Constructor: 2,
      x: "__proto__",
    });
  });
});

test("text over the limit is not parsed at all", () => {
  const parse = (text: string) => () =>
    parseText((value: unknown) => value, text, 64 * 1024, "malformed_request", "body");
  expect(parse(`"${"x".repeat(64 * 1024 - 2)}"`)).not.toThrow();
  expect(parse("!".repeat(64 * 1024 + 1))).toThrow(
    expect.objectContaining({ code: "payload_too_large" }) as Error,
  );
});

test("arbitrary text gives a value or a refusal with a fixed text", () => {
  const SAFE =
    /^body: (?:is not valid JSON|is nested deeper than \d+ levels|has .* keys|has a forbidden key)$/;
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.json()), (text) => {
      try {
        parseText((value: unknown) => value, text, 65_536, "malformed_request", "body");
      } catch (error) {
        expect(error).toBeInstanceOf(X402Error);
        expect((error as X402Error).message).toMatch(SAFE);
      }
    }),
    { numRuns: 300 },
  );
});
