import fc from "fast-check";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { describe, expect, test } from "vitest";
import { MAX_UINT256 } from "../../src/core/amount.ts";
import type { PaymentRequirements } from "../../src/core/messages.ts";
import type { ChainReader } from "../../src/core/scheme.ts";
import { exactEvmFacilitator } from "../../src/evm/facilitator.ts";
import { exactEvm, KNOWN_ASSETS } from "../../src/evm/index.ts";
import { asHex, NOW, payer, requirements, word } from "./arbitraries.ts";

const scheme = exactEvmFacilitator();
const client = exactEvm({ account: payer });

/** Payments of keys are verified without the chain. */
const noChain: ChainReader = {
  call: () => Promise.reject(new Error("the chain was asked")),
  code: () => Promise.reject(new Error("the chain was asked")),
};

/** A chain without wallets, which is asked whether a signature that is not the key's is a wallet's. */
const noWallet: ChainReader = {
  ...noChain,
  call: () => Promise.resolve({ ok: true, data: `0x${[0n, 1n, 0n, 0n].map(word).join("")}` }),
};

async function verify(
  payload: Record<string, unknown>,
  terms: PaymentRequirements,
  chain = noChain,
): Promise<string | undefined> {
  const checked = scheme.check({ x402Version: 2, accepted: terms, payload }, terms, NOW);
  return "payment" in checked ? scheme.verifySignature(checked.payment, chain) : checked.reason;
}

test("what the client signs, the facilitator accepts", async () => {
  const terms = fc
    .tuple(
      fc.bigInt({ min: 0n, max: MAX_UINT256 }),
      fc.constantFrom(...KNOWN_ASSETS),
      fc.integer({ min: 6, max: 3600 }),
    )
    .map(([amount, { network, address, name, version }, maxTimeoutSeconds]) => ({
      ...requirements,
      network,
      asset: address,
      amount: String(amount),
      maxTimeoutSeconds,
      extra: { name, version },
    }));
  await fc.assert(
    fc.asyncProperty(terms, fc.constantFrom(1 as const, 2 as const), async (value, x402Version) => {
      const lifetimeSeconds = value.maxTimeoutSeconds;
      const payload = await client.createPayload(value, {
        nowSeconds: NOW,
        lifetimeSeconds,
        x402Version,
      });
      expect(
        await verify(JSON.parse(JSON.stringify(payload)) as Record<string, unknown>, value),
      ).toBeUndefined();
    }),
    { numRuns: 40 },
  );
});

describe("the authorization", () => {
  const sign = (x402Version: 1 | 2 = 2) =>
    client.createPayload(requirements, { nowSeconds: NOW, lifetimeSeconds: 120, x402Version });

  test("holds the required amount, the payee and the lifetime, as decimal strings", async () => {
    expect(await sign()).toMatchObject({
      authorization: {
        from: payer.address,
        to: requirements.payTo,
        value: requirements.amount,
        validAfter: "0",
        validBefore: String(NOW + 120),
      },
    });
  });

  test("of v1 is dated back by ten minutes", async () => {
    expect(await sign(1)).toMatchObject({ authorization: { validAfter: String(NOW - 600) } });
  });

  test("has a fresh nonce every time", async () => {
    const nonces = await Promise.all(
      Array.from(
        { length: 20 },
        async () => ((await sign())["authorization"] as { nonce: string }).nonce,
      ),
    );
    expect(new Set(nonces).size).toBe(20);
  });
});

describe("a signature is refused", () => {
  test("when any signed field was changed after signing", async () => {
    const payload = await client.createPayload(requirements, {
      nowSeconds: NOW,
      lifetimeSeconds: 120,
      x402Version: 2,
    });
    const authorization = payload["authorization"] as Record<string, string>;
    const other = privateKeyToAccount(generatePrivateKey()).address;
    const changes: [Record<string, string>, Partial<PaymentRequirements>][] = [
      [{ from: other }, {}],
      [{ to: other }, { payTo: other }],
      [{ value: "10001" }, { amount: "10001" }],
      [{ validAfter: "1" }, {}],
      [{ validBefore: String(NOW + 121) }, {}],
      [{ nonce: `0x${"00".repeat(32)}` }, {}],
    ];
    for (const [change, terms] of changes) {
      const changed = { ...payload, authorization: { ...authorization, ...change } };
      expect(
        await verify(changed, { ...requirements, ...terms }, noWallet),
        JSON.stringify(change),
      ).toBe("invalid_exact_evm_signature");
    }
  });

  test("when it is wrapped for a wallet that is not deployed, or not 64 or 65 bytes", async () => {
    const payload = await client.createPayload(requirements, {
      nowSeconds: NOW,
      lifetimeSeconds: 120,
      x402Version: 2,
    });
    const signature = asHex(payload["signature"]);
    const verifyWith = (text: string, chain?: ChainReader) =>
      verify({ ...payload, signature: text }, requirements, chain);
    expect(await verifyWith(`${signature}${"6492".repeat(16)}`)).toBe(
      "eip6492_factory_not_allowed",
    );
    for (const text of [
      `${signature}00`,
      signature.slice(0, -4),
      "0x",
      `0x${"00".repeat(65)}`,
      `0x${"ff".repeat(65)}`,
    ]) {
      expect(await verifyWith(text, noWallet), text).toBe("invalid_exact_evm_signature");
    }
  });
});

describe("the client does not pay", () => {
  test.each<[string, Partial<PaymentRequirements>]>([
    ["another scheme", { scheme: "upto" }],
    ["another family", { network: "solana:devnet" }],
    ["an asset that is no address", { asset: "USDC" }],
    ["a payTo with a wrong checksum", { payTo: "0x036CbD53842c5426634e7929541eC2318f3dCF7E" }],
    ["no domain", { extra: {} }],
    ["a domain that is not text", { extra: { name: 1, version: 2 } }],
    ["an unknown method", { extra: { ...requirements.extra, assetTransferMethod: "telepathy" } }],
  ])("%s", async (_, change) => {
    const terms = { ...requirements, ...change };
    expect(client.supports(terms)).toBe(false);
    const create = client.createPayload(terms, {
      nowSeconds: NOW,
      lifetimeSeconds: 60,
      x402Version: 2,
    });
    await expect(create).rejects.toThrow(TypeError);
  });

  test("without an account", async () => {
    expect(exactEvm().supports(requirements)).toBe(false);
    const create = exactEvm().createPayload(requirements, {
      nowSeconds: NOW,
      lifetimeSeconds: 60,
      x402Version: 2,
    });
    await expect(create).rejects.toThrow(/account/);
  });
});
