import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decodeHeader } from "../../src/core/header.ts";
import { PaymentRequired, type PaymentPayload } from "../../src/core/messages.ts";
import { header, withValue } from "./bad-values.ts";
import { expectProblem, send, type Answer } from "./send.ts";
import { startSite, type Site } from "./site.ts";

let site: Site;
let payment: PaymentPayload;

beforeAll(async () => {
  site = await startSite();
  payment = await site.payment();
});
afterAll(async () => {
  await site.stop();
});

const present = (value: unknown, name = "PAYMENT-SIGNATURE") =>
  send(site.url, { headers: { [name]: header(value) } });

/** A 402 with fresh offers for both versions; gives its `error`. */
function expectFreshOffers(answer: Answer): string | undefined {
  expect({ status: answer.status, body: answer.body }).toMatchObject({ status: 402 });
  expect(answer.headers["cache-control"]).toBe("no-store");
  expect(JSON.parse(answer.body)).toMatchObject({
    x402Version: 1,
    accepts: [{ network: "base-sepolia" }],
  });
  const text = String(answer.headers["payment-required"]);
  const demand = decodeHeader(
    PaymentRequired,
    text,
    "malformed_payment_required",
    "PAYMENT-REQUIRED",
  );
  expect(demand.accepts).toEqual([site.offer]);
  return demand.error;
}

describe("a payment for something that is not offered is 402 with fresh offers", () => {
  test.each<[string, unknown]>([
    ["accepted.amount", "9999"],
    ["accepted.amount", "0"],
    ["accepted.payTo", `0x${"c2".repeat(20)}`],
    ["accepted.asset", `0x${"c2".repeat(20)}`],
    ["accepted.asset", "0x036cbd53842c5426634e7929541ec2318f3dcf7e"],
    ["accepted.network", "eip155:8453"],
    ["accepted.network", "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"],
    ["accepted.scheme", "upto"],
    ["accepted.scheme", "__proto__"],
    ["accepted.maxTimeoutSeconds", 301],
    ["accepted.extra", undefined],
    ["accepted.extra", null],
    ["accepted.extra", { name: "USDC" }],
    ["accepted.extra.name", "USD Coin"],
    ["accepted.surprise", true],
  ])("%s = %j", async (path, value) => {
    expectFreshOffers(await present(withValue(payment, path, value)));
  });

  test.each([
    { scheme: "upto", network: "base-sepolia" },
    { scheme: "exact", network: "base" },
    { scheme: "exact", network: "nowhere" },
    { scheme: "exact", network: "constructor" },
    { scheme: "exact", network: "eip155:84532" },
  ])("v1 %j", async (named) => {
    expectFreshOffers(
      await present({ x402Version: 1, ...named, payload: payment.payload }, "X-PAYMENT"),
    );
  });
});

describe("a payment that its scheme refuses is 402 with the reason and fresh offers", () => {
  const now = Math.floor(Date.now() / 1000);
  test.each<[string, string, unknown]>([
    ["invalid_exact_evm_signature", "payload.signature", "0x"],
    ["invalid_exact_evm_signature", "payload.signature", `0x${"00".repeat(65)}`],
    ["invalid_exact_evm_signature", "payload.signature", `0x${"ff".repeat(65)}`],
    ["invalid_exact_evm_signature", "payload.signature", `0x${"11".repeat(64)}1d`],
    ["invalid_exact_evm_signature", "payload.signature", `0x${"11".repeat(2048)}`],
    ["invalid_exact_evm_signature", "payload.authorization.from", `0x${"c2".repeat(20)}`],
    ["invalid_exact_evm_signature", "payload.authorization.nonce", `0x${"c2".repeat(32)}`],
    [
      "eip6492_factory_not_allowed",
      "payload.signature",
      `0x${"11".repeat(64)}${"6492".repeat(16)}`,
    ],
    ["invalid_exact_evm_recipient_mismatch", "payload.authorization.to", `0x${"c2".repeat(20)}`],
    ["invalid_exact_evm_payload_authorization_value_mismatch", "payload.authorization.value", "0"],
    [
      "invalid_exact_evm_payload_authorization_value_mismatch",
      "payload.authorization.value",
      String(2n ** 256n - 1n),
    ],
    [
      "invalid_exact_evm_payload_authorization_valid_after",
      "payload.authorization.validAfter",
      String(now + 1000),
    ],
    [
      "authorization_lifetime_too_long",
      "payload.authorization.validBefore",
      String(2n ** 256n - 1n),
    ],
  ])("%s: %s", async (reason, path, value) => {
    expect(expectFreshOffers(await present(withValue(payment, path, value)))).toBe(reason);
  });
});

test("an expired payment is 402 with the reason", async () => {
  const error = expectFreshOffers(await present(await site.payment(-10)));
  expect(error).toBe("invalid_exact_evm_payload_authorization_valid_before");
});

describe("methods and targets", () => {
  test.each(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "QUERY"])(
    "%s is priced",
    async (method) => {
      const answer = await send(site.url, { method });
      expect(answer.status).toBe(402);
      expect(answer.headers["payment-required"]).toBeDefined();
    },
  );

  test("TRACE is neither served nor an error of ours", async () => {
    const answer = await send(site.url, { method: "TRACE" });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
  });

  test("a request to upgrade is priced like any other", async () => {
    const answer = await send(site.url, {
      headers: { Connection: "Upgrade", Upgrade: "websocket" },
    });
    expect(answer.status).toBe(402);
  });

  test.each(["evil.example", "a b", "x".repeat(500), "[::1", "1:99999999"])(
    "Host %j gives no 5xx",
    async (Host) => {
      const answer = await send(site.url, { headers: { Host } });
      expect(answer.status).toBeLessThan(500);
      expect(answer.status).toBeGreaterThanOrEqual(400);
    },
  );
});

test.each([2100, 6000])(
  "a URL of %i characters is answered with offers that can be read",
  async (length) => {
    const answer = await send(`${site.url}?q=${"x".repeat(length)}`);
    expectFreshOffers(answer);
  },
);

test("of all this nothing ran the handler or moved money, and an honest payment is served afterwards", async () => {
  expect(site.handlerRuns).toBe(0);
  expect(site.rpc.counts["eth_sendRawTransaction"]).toBeUndefined();
  const answer = await present(payment);
  expect(answer).toMatchObject({ status: 200, body: '{"report":42}' });
  expect(site.errors).toEqual([]);
  expect(await site.world.balanceOf(site.world.accounts.payee.address)).toBe(10_000n);
});

test("the same payment in another spelling is the same payment: answered from the store, never settled again", async () => {
  const { authorization } = payment.payload as { authorization: { from: string } };
  for (const from of [
    authorization.from.toLowerCase(),
    `0x${authorization.from.slice(2).toUpperCase()}`,
  ]) {
    const answer = await present(withValue(payment, "payload.authorization.from", from));
    expect([200, 409]).toContain(answer.status);
  }
  expect(await site.world.balanceOf(site.world.accounts.payee.address)).toBe(10_000n);
  expect(site.handlerRuns).toBe(1);
});

test("a stranger who knows the nonce of a payment, but not its signature, is not given what it bought", async () => {
  const answer = await present(withValue(payment, "payload.signature", `0x${"11".repeat(64)}1b`));
  expect(answer.body).not.toContain("42");
  expect([402, 409]).toContain(answer.status);
  const other = await send(`${site.url}?other`, {
    headers: { "PAYMENT-SIGNATURE": header(payment) },
  });
  expectProblem(other, 409, "payment_bound_elsewhere");
});
