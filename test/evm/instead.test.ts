import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eip3009Abi } from "../../contracts-abi/eip3009.ts";
import type { PaymentRequirements } from "../../src/core/messages.ts";
import type { Hex } from "../../src/core/scheme.ts";
import { exactEvm, KNOWN_ASSETS } from "../../src/evm/index.ts";
import { startLocalWorld, type LocalWorld } from "../../src/testing/index.ts";
import { vrs } from "../testing/eip3009-signing.ts";
import { NOW, payer, payTo, requirements } from "./arbitraries.ts";

const client = exactEvm({ account: payer });
const context = { nowSeconds: NOW, lifetimeSeconds: 120, x402Version: 2 } as const;

type Payload = { signature: Hex; authorization: Record<string, string> };
const sign = async (
  change: Partial<PaymentRequirements> = {},
  more: { instead?: Record<string, unknown>; nowSeconds?: number } = {},
) =>
  (await client.createPayload(
    { ...requirements, ...change },
    { ...context, ...more },
  )) as unknown as Payload & Record<string, unknown>;

describe("a payment instead of an earlier one", () => {
  let world: LocalWorld;
  beforeAll(async () => {
    world = await startLocalWorld();
  });
  afterAll(() => world.stop());

  /** Settles it as anybody may. */
  const settle = async ({ signature, authorization: a }: Payload) => {
    const [from, to, nonce] = [a["from"] as Hex, a["to"] as Hex, a["nonce"] as Hex];
    const [value, after, before] = ["value", "validAfter", "validBefore"].map((k) => BigInt(a[k]!));
    await world.client.writeContract({
      account: world.accounts.facilitator.account,
      address: world.token,
      abi: eip3009Abi,
      functionName: "transferWithAuthorization",
      args: [from, to, value!, after!, before!, nonce, ...vrs(signature)],
    });
  };

  test.each(["the first", "the second"])(
    "has its nonce, and the chain takes at most one of them: %s",
    async (which) => {
      const nowSeconds = await world.now();
      await world.fundToken(payer.address, 1_000_000n);
      const before = await world.balanceOf(payer.address);
      const earlier = await sign({ amount: "10000" }, { nowSeconds });
      const later = await sign({ amount: "20000" }, { nowSeconds, instead: earlier });
      expect(later.authorization["nonce"]).toBe(earlier.authorization["nonce"]);
      expect(later.authorization["value"]).toBe("20000");
      const [one, other] = which === "the first" ? [earlier, later] : [later, earlier];
      await settle(one);
      await expect(settle(other)).rejects.toThrow(/authorization is used/);
      expect(before - (await world.balanceOf(payer.address))).toBe(
        BigInt(one.authorization["value"]!),
      );
    },
  );

  test("takes the nonce in its one form, however it was written", async () => {
    const earlier = await sign();
    const nonce = `0x${earlier.authorization["nonce"]!.slice(2).toUpperCase()}`;
    const shouting = { ...earlier, authorization: { ...earlier.authorization, nonce } };
    expect((await sign({}, { instead: shouting })).authorization["nonce"]).toBe(
      nonce.toLowerCase(),
    );
  });

  test("is not signed for what is no authorization of this account", async () => {
    const earlier = await sign();
    const authorization = { ...earlier.authorization, from: payTo };
    for (const instead of [{}, { signature: "0x" }, { ...earlier, authorization }]) {
      await expect(sign({}, { instead })).rejects.toThrow(TypeError);
    }
  });
});

describe("an earlier payment is excluded", () => {
  const excludes = async (
    change: Partial<PaymentRequirements>,
    earlier: Record<string, unknown> = {},
    authorization: Record<string, unknown> = {},
  ) => {
    const signed = await sign();
    const payload = {
      ...signed,
      authorization: { ...signed.authorization, ...authorization },
      ...(earlier["payload"] as object),
    };
    const { network, asset } = requirements;
    return client.excludes!(
      { network, asset, ...earlier, payload },
      { ...requirements, ...change },
    );
  };
  const other = KNOWN_ASSETS.find(({ network }) => network === "eip155:8453")!;

  test.each<[string, Partial<PaymentRequirements>]>([
    ["the same requirements", {}],
    ["another amount, payee and time", { amount: "1", payTo: payer.address, maxTimeoutSeconds: 9 }],
    ["the token in another case", { asset: requirements.asset.toLowerCase() }],
  ])("by a payment for %s", async (_, change) => {
    expect(await excludes(change)).toBe(true);
  });

  test.each<[string, Partial<PaymentRequirements>]>([
    ["another token", { asset: other.address }],
    ["another chain", { network: other.network }],
    ["another scheme", { scheme: "upto" }],
    ["a token that is no address", { asset: "USDC" }],
    ["Permit2", { extra: { ...requirements.extra, assetTransferMethod: "permit2" } }],
  ])("not by one for %s", async (_, change) => {
    expect(await excludes(change)).toBe(false);
  });

  test("not when it was of another token or chain, or of a token that is no address", async () => {
    expect(await excludes({}, { asset: other.address })).toBe(false);
    expect(await excludes({}, { network: other.network })).toBe(false);
    expect(await excludes({}, { asset: "USDC" })).toBe(false);
    expect(await excludes({ asset: "USDC" }, { asset: "USDC" })).toBe(false);
  });

  test("not when it is another's, has no good nonce, or is no authorization", async () => {
    expect(await excludes({}, {}, { from: payTo })).toBe(false);
    expect(await excludes({}, {}, { nonce: "0x12" })).toBe(false);
    expect(await excludes({}, {}, { nonce: undefined })).toBe(false);
    expect(await excludes({}, { payload: { authorization: null } })).toBe(false);
    expect(await excludes({}, { payload: { permit2Authorization: {} } })).toBe(false);
  });
});
