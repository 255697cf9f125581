import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { getPaymentReceipt, X402Error } from "../../src/client/index.ts";
import { encodeHeader } from "../../src/core/header.ts";
import { RECEIPT } from "./shop.ts";

const responding = (headers: Record<string, string>) => new Response(null, { headers });

describe("getPaymentReceipt", () => {
  test.each(["PAYMENT-RESPONSE", "X-PAYMENT-RESPONSE", "payment-response"])("reads %s", (name) => {
    expect(getPaymentReceipt(responding({ [name]: encodeHeader(RECEIPT) }))).toEqual(RECEIPT);
  });

  test("prefers v2", () => {
    const old = { ...RECEIPT, network: "base-sepolia" };
    const headers = {
      "PAYMENT-RESPONSE": encodeHeader(RECEIPT),
      "X-PAYMENT-RESPONSE": encodeHeader(old),
    };
    expect(getPaymentReceipt(responding(headers))?.network).toBe(RECEIPT.network);
  });

  test("gives nothing when there is none", () => {
    expect(getPaymentReceipt(responding({}))).toBeUndefined();
  });

  test("gives a failure as well as a success", () => {
    const failure = {
      ...RECEIPT,
      success: false,
      transaction: "",
      errorReason: "settlement_pending",
    };
    expect(getPaymentReceipt(responding({ "PAYMENT-RESPONSE": encodeHeader(failure) }))).toEqual(
      failure,
    );
  });

  test.each([
    ["empty", ""],
    ["not base64", "ok"],
    ["not JSON", btoa("ok")],
    ["null", btoa("null")],
    ["without success", encodeHeader({ transaction: "0x1", network: "eip155:1" })],
    ["success as text", encodeHeader({ ...RECEIPT, success: "true" })],
    ["without network", encodeHeader({ success: true, transaction: "0x1" })],
  ])("refuses one that is %s", (_, header) => {
    const read = () => getPaymentReceipt(responding({ "PAYMENT-RESPONSE": header }));
    expect(read).toThrow(
      expect.objectContaining({ name: "X402Error", code: "malformed_receipt" }) as Error,
    );
  });

  test("refuses one that is too large", () => {
    const read = () => getPaymentReceipt(responding({ "PAYMENT-RESPONSE": "e30=".repeat(2049) }));
    expect(read).toThrow(expect.objectContaining({ code: "payload_too_large" }) as Error);
  });

  test("never throws anything else", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String(), fc.json().map(btoaUtf8)), (header) => {
        try {
          getPaymentReceipt(responding({ "PAYMENT-RESPONSE": header }));
        } catch (error) {
          expect(error).toBeInstanceOf(X402Error);
        }
      }),
    );
  });
});

function btoaUtf8(text: string): string {
  return Buffer.from(text).toString("base64");
}
