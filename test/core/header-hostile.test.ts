import fc from "fast-check";
import { expect, test } from "vitest";
import { X402Error } from "../../src/core/errors.ts";
import { decodeHeader, encodeHeader, MAX_HEADER_LENGTH } from "../../src/core/header.ts";
import { PaymentPayload, PaymentRequired, SettleResponse } from "../../src/core/messages.ts";
import { PaymentPayloadV1 } from "../../src/core/messages-v1.ts";
import type { Schema } from "../../src/core/schema.ts";
import { json, paymentPayload } from "./arbitraries.ts";

const schemas: readonly Schema<unknown>[] = [
  PaymentPayload,
  PaymentRequired,
  SettleResponse,
  PaymentPayloadV1,
];

/** The code of what decoding threw; nothing when it did not throw. Anything but an `X402Error` fails the test. */
function codeOf(header: string, schema: Schema<unknown> = PaymentPayload): string | undefined {
  try {
    decodeHeader(schema, header, "malformed_payment", "PAYMENT-SIGNATURE");
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(X402Error);
    return (error as X402Error).code;
  }
}

const base64 = (bytes: Uint8Array | string) => Buffer.from(bytes).toString("base64");
const expectRefused = (header: string) => {
  for (const schema of schemas) expect(codeOf(header, schema)).toBe("malformed_payment");
};

test("arbitrary text is refused with the code that was asked for, and nothing else is thrown", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), expectRefused), { numRuns: 300 });
});

test("base64 of arbitrary bytes is refused", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }).map(base64), expectRefused));
});

test("base64 of arbitrary JSON is refused", () => {
  fc.assert(fc.property(json.map(encodeHeader), expectRefused), { numRuns: 300 });
});

test("a valid header with a changed character is decoded or refused, never anything else", () => {
  const mutated = fc
    .tuple(paymentPayload.map(encodeHeader), fc.nat(), fc.string({ unit: "binary", maxLength: 3 }))
    .map(([header, at, text]) => {
      const index = at % header.length;
      return header.slice(0, index) + text + header.slice(index + 1);
    });
  fc.assert(
    fc.property(mutated, (header) => {
      for (const schema of schemas) {
        expect([undefined, "malformed_payment", "payload_too_large"]).toContain(
          codeOf(header, schema),
        );
      }
    }),
    { numRuns: 300 },
  );
});

test("a valid message with a changed byte of JSON is decoded or refused, never anything else", () => {
  fc.assert(
    fc.property(paymentPayload, fc.nat(), fc.nat({ max: 255 }), (payment, at, byte) => {
      const bytes = Buffer.from(JSON.stringify(payment));
      bytes[at % bytes.length] = byte;
      expect([undefined, "malformed_payment", "payload_too_large"]).toContain(
        codeOf(base64(bytes)),
      );
    }),
    { numRuns: 300 },
  );
});

test("a truncated header is refused", () => {
  fc.assert(
    fc.property(paymentPayload.map(encodeHeader), fc.nat(), (header, at) => {
      fc.pre(header.length <= MAX_HEADER_LENGTH);
      expect(codeOf(header.slice(0, at % header.length))).toBe("malformed_payment");
    }),
  );
});

test("8192 characters are decoded, 8196 are too large whatever they hold", () => {
  const ofLength = (length: number) => {
    const bytes = (length / 4) * 3;
    return base64(`{"padding":"${"x".repeat(bytes - 14)}"}`);
  };
  expect(ofLength(8192)).toHaveLength(MAX_HEADER_LENGTH);
  expect(codeOf(ofLength(8192))).toBe("malformed_payment");
  expect(codeOf(ofLength(8196))).toBe("payload_too_large");
  expect(codeOf("!".repeat(8193))).toBe("payload_too_large");
});

test("the error names the header and the field, and repeats nothing of the value", () => {
  const secret = "0xsecret";
  const header = encodeHeader({
    x402Version: 2,
    accepted: { scheme: "exact", network: secret },
    payload: {},
  });
  const decode = () =>
    decodeHeader(PaymentPayload, header, "malformed_payment", "PAYMENT-SIGNATURE");
  expect(decode).toThrow(/^PAYMENT-SIGNATURE: accepted\.network must be a CAIP-2 network/);
  expect(decode).not.toThrow(secret);
});

test.each([
  ["empty", ""],
  ["a line break inside", "e30K\nfQ=="],
  ["white space around", " e30= "],
  ["url-safe alphabet", "eyJhIjoiPz8_In0="],
  ["no padding", "e30"],
  ["too much padding", "e30=="],
  ["padding only", "===="],
  ["two values joined", "e30=, e30="],
  ["not UTF-8", base64(Uint8Array.from([0x22, 0xff, 0xfe, 0x22]))],
  ["overlong UTF-8", base64(Uint8Array.from([0x22, 0xc0, 0xaf, 0x22]))],
  ["JSON with a trailing comma", base64('{"a":1,}')],
  ["JSON with a comment", base64("{} // x")],
  ["two JSON values", base64("{}{}")],
  ["NaN", base64('{"x402Version":NaN}')],
])("%s is refused", (_, header) => {
  expect(codeOf(header)).toBe("malformed_payment");
});
