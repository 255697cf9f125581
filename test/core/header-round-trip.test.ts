import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeHeader, encodeHeader, MAX_HEADER_LENGTH } from "../../src/core/header.ts";
import { FacilitatorRequest, VerifyResponse } from "../../src/core/facilitator-messages.ts";
import {
  PaymentPayload,
  PaymentRequired,
  PaymentRequirements,
  SettleResponse,
} from "../../src/core/messages.ts";
import {
  PaymentPayloadV1,
  PaymentRequiredV1,
  PaymentRequirementsV1,
} from "../../src/core/messages-v1.ts";
import type { Schema } from "../../src/core/schema.ts";
import * as arbitrary from "./arbitraries.ts";

const messages: readonly [string, Schema<unknown>, fc.Arbitrary<unknown>][] = [
  ["PaymentRequirements", PaymentRequirements, arbitrary.requirements],
  ["PaymentRequired", PaymentRequired, arbitrary.paymentRequired],
  ["PaymentPayload", PaymentPayload, arbitrary.paymentPayload],
  ["VerifyResponse", VerifyResponse, arbitrary.verifyResponse],
  ["SettleResponse", SettleResponse, arbitrary.settleResponse],
  ["FacilitatorRequest", FacilitatorRequest, arbitrary.facilitatorRequest],
  ["PaymentRequirementsV1", PaymentRequirementsV1, arbitrary.requirementsV1],
  ["PaymentRequiredV1", PaymentRequiredV1, arbitrary.paymentRequiredV1],
  ["PaymentPayloadV1", PaymentPayloadV1, arbitrary.paymentPayloadV1],
];

describe("decoding undoes encoding", () => {
  test.each(messages)("%s", (_, schema, message) => {
    fc.assert(
      fc.property(message, (value) => {
        const header = encodeHeader(value);
        fc.pre(header.length <= MAX_HEADER_LENGTH);
        expect(decodeHeader(schema, header, "malformed_payment", "X")).toEqual(value);
      }),
    );
  });
});

test("a header is base64 of the UTF-8 JSON, in the standard alphabet with padding", () => {
  fc.assert(
    fc.property(arbitrary.json, (value) => {
      const header = encodeHeader(value);
      expect(header).toMatch(/^[A-Za-z0-9+/]*={0,2}$/);
      expect(header).toBe(Buffer.from(JSON.stringify(value)).toString("base64"));
    }),
  );
});

test("unknown fields are kept, at every level", () => {
  const payment = {
    x402Version: 2,
    accepted: {
      scheme: "exact",
      network: "eip155:1",
      amount: "1",
      asset: "0xa",
      payTo: "0xb",
      maxTimeoutSeconds: 60,
      newInV3: [1, { deep: true }],
    },
    resource: { url: "https://example.com", iconUrl: "https://example.com/icon" },
    payload: { anything: 1 },
    extensions: { unknown: { info: {} } },
    alsoNew: "yes",
  };
  const decoded = decodeHeader(PaymentPayload, encodeHeader(payment), "malformed_payment", "X");
  expect(decoded).toEqual(payment);
});
