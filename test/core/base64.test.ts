import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeBase64, encodeBase64 } from "../../src/core/base64.ts";

test("decodes what Node encodes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(decodeBase64(Buffer.from(bytes).toString("base64"))).toEqual(new Uint8Array(bytes));
    }),
  );
});

test("encodes texts as Node does", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 100 }), (text) => {
      expect(encodeBase64(text)).toBe(Buffer.from(text).toString("base64"));
    }),
  );
});

test("refuses all that is not in the alphabet, or not padded", () => {
  const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
  const unit = fc.constantFrom(...Array.from("ABYZabyz0189+/=-_ \n\u00e9\u0141\u20ac"));
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 12 }), (text) => {
      expect(decodeBase64(text) !== undefined).toBe(base64.test(text));
    }),
    { numRuns: 2000 },
  );
});
