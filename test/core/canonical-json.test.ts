import fc from "fast-check";
import { isDeepStrictEqual } from "node:util";
import { expect, test } from "vitest";
import { canonicalJson, isSameJson } from "../../src/core/json.ts";
import { json } from "./arbitraries.ts";

/** The same value with the keys of every object in another order. */
function reordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reordered);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, item]) => [key, reordered(item)]),
  );
}

test("equal values give equal text, whatever the order of keys", () => {
  fc.assert(
    fc.property(json, (value) => {
      expect(canonicalJson(reordered(value))).toBe(canonicalJson(value));
    }),
  );
});

test("different values give different text", () => {
  const small = fc
    .jsonValue({ maxDepth: 1, depthSize: "xsmall" })
    .map((value) => JSON.parse(JSON.stringify(value)) as unknown);
  fc.assert(
    fc.property(small, small, (a, b) => {
      expect(canonicalJson(a) === canonicalJson(b)).toBe(isDeepStrictEqual(a, b));
    }),
    { numRuns: 1000 },
  );
});

test("it is JSON of the value", () => {
  fc.assert(
    fc.property(json, (value) => {
      expect(JSON.parse(canonicalJson(value))).toEqual(value);
    }),
  );
});

test("a key with an undefined value is an absent key", () => {
  expect(canonicalJson({ b: 1, a: undefined })).toBe('{"b":1}');
});

test("types are not confused", () => {
  const values = [
    1,
    "1",
    true,
    "true",
    null,
    "null",
    [],
    {},
    [null],
    "",
    0,
    false,
    { a: 1 },
    [["a", 1]],
  ];
  expect(new Set(values.map(canonicalJson)).size).toBe(values.length);
});

test("two values are the same just when their canonical texts are equal", () => {
  const small = fc.jsonValue({ maxDepth: 3 });
  fc.assert(
    fc.property(small, small, (a, b) => {
      const copy: unknown = JSON.parse(JSON.stringify(a));
      expect(isSameJson(a, copy)).toBe(true);
      expect(isSameJson(a, b)).toBe(canonicalJson(a) === canonicalJson(b));
    }),
  );
  expect(isSameJson({ a: 1, b: undefined }, { a: 1 })).toBe(true);
  expect(isSameJson({ a: 1 }, { a: 1, b: undefined })).toBe(true);
  expect(isSameJson({ a: 1, b: undefined }, { a: 1, c: 2 })).toBe(false);
  expect(isSameJson({ toString: 1 }, {})).toBe(false);
  expect(isSameJson([1], { 0: 1, length: 1 })).toBe(false);
});
