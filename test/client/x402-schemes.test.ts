import { privateKeyToAccount } from "viem/accounts";
import { describe, expect, test } from "vitest";
import { wrapFetchWithPayment } from "../../src/client/index.ts";
import {
  fromX402Scheme,
  toX402Scheme,
  type X402SchemeClient,
} from "../../src/client/x402-schemes.ts";
import type { PaymentRequirements } from "../../src/core/messages.ts";
import { exactEvm } from "../../src/evm/index.ts";
import { isPaid, OFFER, openShop, paymentOf, sellAt } from "./shop.ts";

const { asset } = exactEvm();
const NOW = 1_800_000_000;
const context = { nowSeconds: NOW, lifetimeSeconds: 60, x402Version: 2 } as const;

/** What the reference's scheme would give back, with changes. */
const signed = (change: object = {}) => ({
  signature: "0x12",
  authorization: {
    from: "0x857b06519E91e3A54538791bDbb0E22373e36b66",
    to: OFFER.payTo.toLowerCase(),
    value: OFFER.amount,
    validAfter: "0",
    validBefore: String(NOW + 60),
    nonce: `0x${"01".repeat(32)}`,
    ...change,
  },
});
const permit2 = (change: object = {}) => ({
  signature: "0x12",
  permit2Authorization: {
    from: "0x857b06519E91e3A54538791bDbb0E22373e36b66",
    permitted: { token: OFFER.asset.toLowerCase(), amount: OFFER.amount },
    deadline: String(NOW + 60),
    witness: { to: OFFER.payTo, validAfter: "0" },
    ...change,
  },
});
const gives = (payload: unknown, asked: unknown[][] = []): X402SchemeClient => ({
  scheme: "exact",
  async createPaymentPayload(...args) {
    asked.push(structuredClone(args));
    Object.assign(args[1], { payTo: "changed", extra: {} });
    return { payload: payload as Record<string, unknown> };
  },
});
const from = (client: X402SchemeClient, clientV1?: X402SchemeClient) =>
  fromX402Scheme({ network: "eip155:*", client, ...(clientV1 && { clientV1 }), asset });

describe("a scheme of the reference", () => {
  test("is asked with the lifetime that we allow; the offer is echoed verbatim", async () => {
    const shop = await openShop(sellAt({ maxTimeoutSeconds: 1_000_000, unheardOf: [1] }));
    const asked: unknown[][] = [];
    const nowMs = NOW * 1000;
    const payload = signed({ validBefore: String(NOW + 3600) });
    const pay = wrapFetchWithPayment(fetch, {
      schemes: [from(gives(payload, asked))],
      now: () => nowMs,
    });
    await pay(shop.url);
    expect(asked).toEqual([
      [
        2,
        { ...OFFER, unheardOf: [1], maxTimeoutSeconds: 3600 },
        { maxAmountPerPayment: OFFER.amount },
      ],
    ]);
    expect(paymentOf(shop.received[1]!)).toMatchObject({
      accepted: { ...OFFER, maxTimeoutSeconds: 1_000_000, unheardOf: [1] },
      payload,
    });
  });

  test("for version 1 is asked with a v1 offer, if it is given", async () => {
    const asked: unknown[][] = [];
    const never = gives({});
    const scheme = from(never, gives(signed(), asked));
    await scheme.createPayload(OFFER, { ...context, x402Version: 1 });
    expect(asked[0]?.slice(0, 2)).toMatchObject([
      1,
      { network: "base-sepolia", maxAmountRequired: "10000", maxTimeoutSeconds: 60 },
    ]);
  });

  test.each<[string, unknown, string]>([
    ["another payee", signed({ to: "0x857b06519E91e3A54538791bDbb0E22373e36b66" }), "payee"],
    ["no payee", signed({ to: undefined }), "payee"],
    ["more", signed({ value: "10001" }), "amount"],
    ["less", signed({ value: "9999" }), "amount"],
    ["an amount that is no text", signed({ value: 10000 }), "amount"],
    ["a longer life", signed({ validBefore: String(NOW + 71) }), "end"],
    ["no end", signed({ validBefore: `1${"0".repeat(40)}` }), "end"],
    ["an end that is no number", signed({ validBefore: "0x1" }), "end"],
    ["two methods", { ...signed(), ...permit2() }, "two methods"],
    ["no method", { transaction: "AA==" }, "payee"],
    [
      "Permit2 of another token",
      permit2({ permitted: { token: OFFER.payTo, amount: OFFER.amount } }),
      "token",
    ],
    ["Permit2 of more", permit2({ permitted: { token: OFFER.asset, amount: "10001" } }), "amount"],
    ["Permit2 for another payee", permit2({ witness: { to: OFFER.asset } }), "payee"],
    ["Permit2 with a longer life", permit2({ deadline: String(NOW + 71) }), "end"],
  ])("that signs %s is not listened to", async (_, payload, field) => {
    const scheme = from(gives(payload));
    await expect(scheme.createPayload(OFFER, context)).rejects.toMatchObject({
      code: "payment_refused",
      message: expect.stringContaining(`(${field})`) as string,
    });
    const shop = await openShop(sellAt({ maxTimeoutSeconds: 60 }));
    const pay = wrapFetchWithPayment(fetch, { schemes: [scheme], now: () => NOW * 1000 });
    await expect(pay(shop.url)).rejects.toThrow(/something else than was asked/);
    expect(shop.received.filter(isPaid)).toHaveLength(0);
  });

  test("may sign with Permit2", async () => {
    expect(await from(gives(permit2())).createPayload(OFFER, context)).toEqual(permit2());
  });

  test("sends what was compared, not what it says later", async () => {
    let reads = 0;
    const authorization = {
      ...signed().authorization,
      get value() {
        return ++reads > 1 ? "99999999" : OFFER.amount;
      },
    };
    const payload = await from(gives({ signature: "0x12", authorization })).createPayload(
      OFFER,
      context,
    );
    expect(payload).toEqual(signed());
  });

  test("pays where it is registered, and nowhere else", () => {
    const client = gives(signed());
    const at = (network: string, change: Partial<PaymentRequirements> = {}) =>
      fromX402Scheme({ network, client, asset }).supports({ ...OFFER, ...change });
    expect(at("eip155:*")).toBe(true);
    expect(at("eip155:84532")).toBe(true);
    expect(at("eip155:8453")).toBe(false);
    expect(at("eip155:*", { scheme: "upto" })).toBe(false);
    expect(at("solana:*")).toBe(false);
  });

  test("is not asked to sign instead of another", async () => {
    const scheme = from(gives(signed()));
    expect(scheme.excludes).toBeUndefined();
    await expect(scheme.createPayload(OFFER, { ...context, instead: signed() })).rejects.toThrow(
      TypeError,
    );
  });

  test.each(["*", "eip155", "eip155:", "eip155:8453*", "eip155:*:1", "eip155:08", "base"])(
    "is not taken for the network %j",
    (network) => {
      expect(() => fromX402Scheme({ network, client: gives({}), asset })).toThrow(TypeError);
    },
  );

  test("is not taken with hooks, or with another scheme for version 1", () => {
    const hooked = { ...gives({}), schemeHooks: {} };
    expect(() => from(hooked)).toThrow(/hooks/);
    expect(() => from(gives({}), { ...gives({}), scheme: "upto" })).toThrow(TypeError);
    expect(() => from({ scheme: "exact" } as X402SchemeClient)).toThrow(TypeError);
  });
});

describe("our scheme for the reference's client", () => {
  const account = privateKeyToAccount(`0x${"42".repeat(32)}`);
  const ours = toX402Scheme(exactEvm({ account }), { maxLifetimeSeconds: 30 });

  test("signs for as long as is asked for, but no longer than the limit", async () => {
    const lifetime = async (maxTimeoutSeconds: number) => {
      const before = Math.floor(Date.now() / 1000);
      const { payload } = await ours.createPaymentPayload(2, { ...OFFER, maxTimeoutSeconds });
      const { authorization } = payload as { authorization: { validBefore: string } };
      return Number(authorization.validBefore) - before;
    };
    expect(await lifetime(20)).toBeLessThanOrEqual(21);
    expect(await lifetime(1_000_000)).toBeGreaterThanOrEqual(30);
    expect(await lifetime(1_000_000)).toBeLessThanOrEqual(31);
  });

  test("names scheme and network in version 1", async () => {
    const { amount, network: _, ...terms } = OFFER;
    const offer = { ...terms, network: "base-sepolia", maxAmountRequired: amount, resource: "r" };
    expect(await ours.createPaymentPayload(1, offer)).toMatchObject({
      x402Version: 1,
      scheme: "exact",
      network: "base-sepolia",
      payload: { authorization: { value: amount, to: OFFER.payTo } },
    });
  });

  test.each<[string, 1 | 2, object]>([
    ["another scheme", 2, { ...OFFER, scheme: "upto" }],
    ["an offer that is none", 2, { ...OFFER, amount: "-1" }],
    ["a v2 offer as v1", 1, OFFER],
  ])("does not pay %s", async (_, version, offer) => {
    await expect(ours.createPaymentPayload(version, offer)).rejects.toMatchObject({
      name: "X402Error",
    });
  });

  test("tells which tokens are dollars, by either name of a network", () => {
    const usdc = { asset: OFFER.asset, decimals: 6, symbol: "USDC" };
    expect(ours.findDefaultAsset(OFFER.asset, "eip155:84532")).toEqual(usdc);
    expect(ours.findDefaultAsset(OFFER.asset, "base-sepolia")).toEqual(usdc);
    expect(ours.findDefaultAsset(OFFER.asset, "base")).toBeUndefined();
    expect(ours.findDefaultAsset(OFFER.asset, "nowhere")).toBeUndefined();
    expect(ours.findDefaultAsset(OFFER.payTo, "eip155:84532")).toBeUndefined();
  });

  test("is not made with a limit that is none", () => {
    expect(() => toX402Scheme(exactEvm(), { maxLifetimeSeconds: 0 })).toThrow(TypeError);
  });
});
