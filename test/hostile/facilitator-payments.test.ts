import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { FacilitatorRequest, PaymentRequirements } from "../../src/core/messages.ts";
import type { Reason } from "../../src/core/reasons.ts";
import { NOT_ATOMIC, withValue } from "./bad-values.ts";
import { send, type Answer } from "./send.ts";
import { startSite, type Site } from "./site.ts";

let site: Site;
let request: FacilitatorRequest;

beforeAll(async () => {
  site = await startSite();
  request = {
    x402Version: 2,
    paymentPayload: await site.payment(),
    paymentRequirements: site.offer,
  };
});
afterAll(async () => {
  await site.stop();
});

const post = (path: string, body: unknown): Promise<Answer> =>
  send(`${site.facilitatorUrl}${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });

/**
 * Both endpoints answer 200 with the reason, and no node was asked. But a signature that is not the key's may be a wallet's:
 * of that each asks once.
 */
async function expectReason(
  body: object,
  reason: Reason,
  network: string = site.offer.network,
): Promise<void> {
  const calls = reason === "invalid_exact_evm_signature" ? { eth_call: 2 } : {};
  const before = { ...site.rpc.counts };
  const verified = await post("/verify", body);
  expect(verified.status, verified.body).toBe(200);
  expect(JSON.parse(verified.body)).toMatchObject({ isValid: false, invalidReason: reason });
  const settled = await post("/settle", body);
  expect(settled.status, settled.body).toBe(200);
  expect(JSON.parse(settled.body)).toMatchObject({
    success: false,
    transaction: "",
    network,
    errorReason: reason,
  });
  const made = Object.entries(site.rpc.counts)
    .map(([method, count]) => [method, count - (before[method] ?? 0)] as const)
    .filter(([method, count]) => count > 0 && method !== "eth_chainId");
  expect(Object.fromEntries(made), "calls to the chain").toEqual(calls);
}

/** The request with the same change in what is required and in what was accepted. */
function required(change: Partial<PaymentRequirements>): FacilitatorRequest {
  const paymentRequirements = { ...site.offer, ...change };
  const paymentPayload = { ...request.paymentPayload, accepted: paymentRequirements };
  return { ...request, paymentPayload, paymentRequirements };
}

describe("whatever is wrong with the terms is 200 with a reason, and costs no call to the chain", () => {
  test.each<[Reason, Partial<PaymentRequirements>]>([
    ["invalid_network", { network: "eip155:8453" }],
    ["invalid_network", { network: "eip155:9007199254740991" }],
    ["invalid_network", { network: "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp" }],
    ["unsupported_scheme", { scheme: "upto" }],
    ["unsupported_scheme", { scheme: "constructor" }],
    ["invalid_payment_requirements", { asset: "USDC" }],
    ["invalid_payment_requirements", { payTo: "vitalik.eth" }],
    ["invalid_payment_requirements", { payTo: "0x036CbD53842c5426634e7929541eC2318f3dCF7E" }],
    ["unsupported_asset", { asset: `0x${"c2".repeat(20)}` }],
    ["invalid_exact_evm_missing_eip712_domain", { extra: {} }],
    ["invalid_exact_evm_token_name_mismatch", { extra: { name: "USD Coin", version: "2" } }],
    ["invalid_exact_evm_token_version_mismatch", { extra: { name: "USDC", version: "1" } }],
    ["invalid_exact_evm_recipient_mismatch", { payTo: `0x${"c2".repeat(20)}` }],
    ["invalid_exact_evm_payload_authorization_value_mismatch", { amount: "0" }],
  ])("%s: %j", async (reason, change) => {
    await expectReason(required(change), reason, change.network);
  });

  test("a payment that accepted other terms than are required", async () => {
    await expectReason(
      withValue(request, "paymentPayload.accepted.scheme", "upto"),
      "invalid_exact_evm_scheme",
    );
    const other = withValue(request, "paymentPayload.accepted.network", "eip155:8453");
    await expectReason(other, "invalid_exact_evm_network_mismatch");
  });
});

describe("whatever is wrong with the payload is 200 with a reason, and costs no call to the chain", () => {
  const payload = "paymentPayload.payload";
  test.each<[Reason, string, readonly unknown[]]>([
    ["invalid_payload", `${payload}.authorization`, [undefined, null, "x", []]],
    [
      "invalid_payload",
      `${payload}.authorization.from`,
      [undefined, null, "", "0x1", "0x036CbD53842c5426634e7929541eC2318f3dCF7E"],
    ],
    [
      "invalid_payload",
      `${payload}.authorization.nonce`,
      [undefined, null, "0x", `0x${"11".repeat(31)}`, `0x${"11".repeat(33)}`],
    ],
    [
      "invalid_payload",
      `${payload}.signature`,
      [undefined, null, 1, "", "0x1", "11", `0x${"zz".repeat(65)}`],
    ],
    ["invalid_payload", `${payload}.permit2Authorization`, [{}, "x", []]],
    [
      "invalid_exact_evm_signature",
      `${payload}.signature`,
      ["0x", `0x${"00".repeat(65)}`, `0x${"ff".repeat(65)}`, `0x${"11".repeat(2048)}`],
    ],
    ["invalid_exact_evm_signature", `${payload}.authorization.from`, [`0x${"c2".repeat(20)}`]],
    ["invalid_exact_evm_signature", `${payload}.authorization.nonce`, [`0x${"c2".repeat(32)}`]],
    [
      "eip6492_factory_not_allowed",
      `${payload}.signature`,
      [`0x${"6492".repeat(16)}`, `0x${"11".repeat(65)}${"6492".repeat(16)}`],
    ],
    [
      "invalid_exact_evm_payload_authorization_valid_after",
      `${payload}.authorization.validAfter`,
      [String(2n ** 256n - 1n)],
    ],
    [
      "authorization_lifetime_too_long",
      `${payload}.authorization.validBefore`,
      [String(2n ** 256n - 1n)],
    ],
  ])("%s: %s", async (reason, path, values) => {
    for (const value of values) await expectReason(withValue(request, path, value), reason);
  });

  test("invalid_exact_evm_payload_authorization_valid_before: expired, and signed so", async () => {
    const body = { ...request, paymentPayload: await site.payment(-10) };
    await expectReason(body, "invalid_exact_evm_payload_authorization_valid_before");
  });

  test.each(NOT_ATOMIC)("invalid_payload: a value that is %s", async (_, value) => {
    await expectReason(
      withValue(request, `${payload}.authorization.value`, value),
      "invalid_payload",
    );
  });
});

describe("v1", () => {
  const v1 = () => ({
    x402Version: 1,
    paymentPayload: {
      x402Version: 1,
      scheme: "exact",
      network: "base-sepolia",
      payload: request.paymentPayload.payload,
    },
    paymentRequirements: {
      scheme: "exact",
      network: "base-sepolia",
      maxAmountRequired: site.offer.amount,
      resource: site.url,
      payTo: site.offer.payTo,
      maxTimeoutSeconds: 300,
      asset: site.offer.asset,
      extra: site.offer.extra,
    },
  });

  test("is understood", async () => {
    expect(JSON.parse((await post("/verify", v1())).body)).toMatchObject({ isValid: true });
  });

  test("bad payments have their reasons, and the network its v1 name", async () => {
    const other = withValue(v1(), "paymentPayload.network", "base");
    await expectReason(other, "invalid_exact_evm_network_mismatch", "base-sepolia");
    const payee = withValue(v1(), "paymentRequirements.payTo", `0x${"c2".repeat(20)}`);
    await expectReason(payee, "invalid_exact_evm_recipient_mismatch", "base-sepolia");
  });

  test("a network that is not known here is about the payment: 200 with invalid_network", async () => {
    const body = withValue(
      withValue(v1(), "paymentPayload.network", "solana"),
      "paymentRequirements.network",
      "solana",
    );
    await expectReason(body, "invalid_network", "solana");
  });
});

test("none of it moved money, and the honest payment is settled afterwards, once", async () => {
  expect(site.rpc.counts["eth_sendRawTransaction"]).toBeUndefined();
  expect(JSON.parse((await post("/settle", request)).body)).toMatchObject({
    success: true,
    network: site.offer.network,
  });
  expect(await site.world.balanceOf(site.world.accounts.payee.address)).toBe(10_000n);
  expect(JSON.parse((await post("/settle", request)).body)).toMatchObject({
    errorReason: "duplicate_settlement",
  });
  expect(await site.world.balanceOf(site.world.accounts.payee.address)).toBe(10_000n);
  expect(site.errors).toEqual([]);
});
