import { describe, expect, test } from "vitest";
import { canonicalJson } from "../../src/core/json.ts";
import { Supported, VerifyResponse } from "../../src/core/facilitator-messages.ts";
import { PaymentPayload, PaymentRequired, SettleResponse } from "../../src/core/messages.ts";
import { PaymentRequiredV1, requirementsFromV1 } from "../../src/core/messages-v1.ts";
import { parseValue } from "../../src/core/parse.ts";
import type { Schema } from "../../src/core/schema.ts";

const accepted = {
  scheme: "exact",
  network: "eip155:84532",
  amount: "1",
  asset: "0xa",
  payTo: "0xb",
  maxTimeoutSeconds: 60,
};

/** Schema, a message without optional fields, and the optional fields (Python and Go peers send null for them). */
const cases: readonly [string, Schema<unknown>, Record<string, unknown>, readonly string[]][] = [
  [
    "PaymentRequired",
    PaymentRequired,
    { x402Version: 2, accepts: [accepted] },
    ["error", "resource", "extensions"],
  ],
  [
    "PaymentPayload",
    PaymentPayload,
    { x402Version: 2, accepted, payload: {} },
    ["resource", "extensions"],
  ],
  [
    "VerifyResponse",
    VerifyResponse,
    { isValid: true },
    ["invalidReason", "invalidMessage", "payer", "extensions", "extra"],
  ],
  [
    "SettleResponse",
    SettleResponse,
    { success: true, transaction: "0x1", network: "eip155:1" },
    ["payer", "amount", "errorReason", "errorMessage", "extensions", "extra"],
  ],
];

describe("null for an optional field means that it is absent", () => {
  test.each(cases)("%s", (_, schema, message, optional) => {
    const nulls = Object.fromEntries(optional.map((name) => [name, null]));
    const decode = (value: unknown) =>
      canonicalJson(parseValue(schema, value, "malformed_request", "x"));
    expect(decode({ ...message, ...nulls })).toBe(decode(message));
  });

  test("nested: extra of requirements, description of a resource", () => {
    const { accepts, resource } = parseValue(
      PaymentRequired,
      {
        x402Version: 2,
        resource: { url: "u", description: null, mimeType: null },
        accepts: [{ ...accepted, extra: null }],
      },
      "malformed_request",
      "x",
    );
    expect(canonicalJson(accepts[0])).toBe(canonicalJson(accepted));
    expect(canonicalJson(resource)).toBe('{"url":"u"}');
  });

  test("v1: extra, description, error", () => {
    const offer = {
      scheme: "exact",
      network: "base",
      maxAmountRequired: "1",
      resource: "r",
      payTo: "0xb",
      maxTimeoutSeconds: 60,
      asset: "0xa",
      description: null,
      mimeType: null,
      extra: null,
      outputSchema: null,
    };
    const { accepts } = parseValue(
      PaymentRequiredV1,
      { x402Version: 1, error: null, accepts: [offer] },
      "malformed_request",
      "x",
    );
    expect(canonicalJson(requirementsFromV1(accepts[0]!))).not.toContain("extra");
  });
});

describe("a required field", () => {
  test.each(cases)("of %s may be neither missing nor null", (_, schema, message) => {
    for (const name of Object.keys(message)) {
      for (const value of [undefined, null]) {
        const decode = () =>
          parseValue(schema, { ...message, [name]: value }, "malformed_request", "x");
        expect(decode, name).toThrow(new RegExp(`^x: ${name} must be`));
      }
    }
  });

  test.each(Object.keys(accepted))("requirements.%s may be neither missing nor null", (name) => {
    for (const value of [undefined, null, {}, [], true]) {
      const decode = () =>
        parseValue(
          PaymentPayload,
          { x402Version: 2, payload: {}, accepted: { ...accepted, [name]: value } },
          "malformed_request",
          "x",
        );
      expect(decode).toThrow(new RegExp(`^x: accepted\\.${name} must be`));
    }
  });
});

test.each([0, -1, 1.5, 2 ** 53, Number.NaN, "60"])(
  "maxTimeoutSeconds %j is refused",
  (maxTimeoutSeconds) => {
    const message = { x402Version: 2, payload: {}, accepted: { ...accepted, maxTimeoutSeconds } };
    expect(() => parseValue(PaymentPayload, message, "malformed_request", "x")).toThrow(
      "accepted.maxTimeoutSeconds must be",
    );
  },
);

test("a facilitator that leaves extensions and signers out of /supported is understood", () => {
  const kinds = [{ x402Version: 2, scheme: "exact", network: "eip155:1" }];
  expect(parseValue(Supported, { kinds }, "facilitator_malformed", "x")).toEqual({
    kinds,
    extensions: [],
    signers: {},
  });
});
