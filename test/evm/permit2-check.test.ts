/** The static checks of payments with Permit2, in `exact` and `upto`: every reason, in order, and the signature. */
import { describe, expect, test } from "vitest";
import { privateKeyToAccount } from "viem/accounts";
import { X402_EXACT_PERMIT2_PROXY_ADDRESS } from "../../contracts-abi/x402-exact-permit2-proxy.ts";
import { X402_UPTO_PERMIT2_PROXY_ADDRESS } from "../../contracts-abi/x402-upto-permit2-proxy.ts";
import type { PaymentRequirements } from "../../src/core/messages.ts";
import type { Reason } from "../../src/core/reasons.ts";
import type { ChainReader, FacilitatorScheme, Hex } from "../../src/core/scheme.ts";
import { exactEvmFacilitator, uptoEvmFacilitator } from "../../src/evm/facilitator.ts";
import { exactEvm, exactEvmClient, uptoEvm } from "../../src/evm/index.ts";
import { NOW, payer, payTo, requirements, USDC, word } from "./arbitraries.ts";

const SIGNER = `0x${"fa".repeat(20)}` as const;
const context = { signers: [SIGNER] as Hex[], settling: false };
const other = `0x${"c2".repeat(20)}`;
const noChain: ChainReader = {
  call: () => Promise.reject(new Error("the chain was asked")),
  code: () => Promise.reject(new Error("the chain was asked")),
};

/** A chain without wallets, which is asked whether a signature that is not the key's is a wallet's. */
const noWallet: ChainReader = {
  ...noChain,
  call: () => Promise.resolve({ ok: true, data: `0x${[0n, 1n, 0n, 0n].map(word).join("")}` }),
};

type Fields = Record<string, unknown>;
interface Fault {
  /** In the requirements, and in what the payment accepts of them. */
  terms?: Partial<PaymentRequirements>;
  accepted?: Partial<PaymentRequirements>;
  permit?: Fields;
  permitted?: Fields;
  witness?: Fields;
  payload?: Fields;
}

const schemes = {
  exact: {
    facilitator: exactEvmFacilitator() as FacilitatorScheme,
    spender: X402_EXACT_PERMIT2_PROXY_ADDRESS,
    extra: { assetTransferMethod: "permit2" },
    witness: {},
    reasons: ["invalid_exact_evm_scheme", "invalid_exact_evm_network_mismatch"],
  },
  upto: {
    facilitator: uptoEvmFacilitator() as FacilitatorScheme,
    spender: X402_UPTO_PERMIT2_PROXY_ADDRESS,
    extra: { assetTransferMethod: "permit2", facilitatorAddress: SIGNER },
    witness: { facilitator: SIGNER },
    reasons: ["invalid_upto_evm_scheme", "invalid_upto_evm_network_mismatch"],
  },
} as const;

describe.each(["exact", "upto"] as const)("%s", (name) => {
  const { facilitator, spender, extra, witness, reasons } = schemes[name];
  const base: PaymentRequirements = { ...requirements, scheme: name, extra };

  function checked(faults: readonly Fault[], settling = false, amount?: string) {
    const merge = (pick: (fault: Fault) => object | undefined): Fields =>
      Object.assign({}, ...faults.map(pick)) as Fields;
    const terms = { ...base, ...merge((fault) => fault.terms) };
    const payload = {
      signature: `0x${"11".repeat(64)}1b`,
      permit2Authorization: {
        from: payer.address,
        permitted: { token: USDC.address, amount: "10000", ...merge((fault) => fault.permitted) },
        spender,
        nonce: "7",
        deadline: String(NOW + 300),
        witness: { to: payTo, validAfter: "0", ...witness, ...merge((fault) => fault.witness) },
        ...merge((fault) => fault.permit),
      },
      ...merge((fault) => fault.payload),
    };
    const accepted = { ...terms, ...merge((fault) => fault.accepted) };
    const paid = amount === undefined ? terms : { ...terms, amount };
    return facilitator.check({ x402Version: 2, accepted, payload }, paid, NOW, {
      ...context,
      settling,
    });
  }
  const check = (...faults: Fault[]) => {
    const result = checked(faults);
    return "payment" in result ? "ok" : result.reason;
  };

  const ORDERED: readonly (readonly [Reason, Fault])[] = [
    [reasons[0], { accepted: { scheme: "other" } }],
    [reasons[1], { accepted: { network: "eip155:8453" } }],
    ["invalid_permit2_spender", { permit: { spender: other } }],
    ["invalid_permit2_recipient_mismatch", { witness: { to: other } }],
    ...(name === "upto"
      ? ([["upto_facilitator_mismatch", { witness: { to: payTo, facilitator: other } }]] as const)
      : []),
    ["permit2_deadline_expired", { permit: { deadline: String(NOW + 5) } }],
    ["permit2_not_yet_valid", { witness: { validAfter: String(NOW + 1) } }],
    ["permit2_amount_mismatch", { permitted: { amount: "10001" } }],
    ["permit2_token_mismatch", { permitted: { token: other } }],
    ["authorization_lifetime_too_long", { permit: { deadline: String(NOW + 3601) } }],
  ];

  test("a right payment passes, at the edges of its time too", () => {
    expect(check()).toBe("ok");
    expect(check({ permit: { deadline: String(NOW + 6) } })).toBe("ok");
    expect(check({ permit: { deadline: String(NOW + 3600) } })).toBe("ok");
    expect(check({ witness: { validAfter: String(NOW) } })).toBe("ok");
    expect(check({ terms: { extra: {} } }), "the method may be left open").toBe("ok");
  });

  test.each(ORDERED)("%s", (reason, fault) => {
    expect(check(fault)).toBe(reason);
  });

  const pairs = ORDERED.flatMap(([reason, fault], index) =>
    ORDERED.slice(index + 1)
      .filter(([, second]) => !(fault.permit?.["deadline"] && second.permit?.["deadline"]))
      .filter(([, second]) => !(fault.witness?.["to"] === other && second.witness?.["to"]))
      .map(([later, second]) => [reason, later, fault, second] as const),
  );
  test.each(pairs)("%s before %s", (reason, _, fault, second) => {
    expect(check(fault, second)).toBe(reason);
  });

  test.each<[Reason, string, Fault]>([
    ["invalid_network", "another family", { terms: { network: "solana:devnet" } }],
    ["invalid_payment_requirements", "no address", { terms: { asset: "USDC" } }],
    ["unsupported_asset", "a token that is not listed", { terms: { asset: other } }],
    ["invalid_payload", "a hex nonce", { permit: { nonce: "0x7" } }],
    ["invalid_payload", "a padded nonce", { permit: { nonce: "007" } }],
    ["invalid_payload", "a nonce beyond uint256", { permit: { nonce: String(2n ** 256n) } }],
    ["invalid_payload", "a deadline that is a number", { permit: { deadline: NOW + 300 } }],
    ["invalid_payload", "no witness", { permit: { witness: undefined } }],
    ["invalid_payload", "no token", { permitted: { token: undefined } }],
    ["invalid_payload", "an amount with an exponent", { permitted: { amount: "1e4" } }],
    ["invalid_payload", "a signature of half a byte", { payload: { signature: "0x1" } }],
    ["invalid_payload", "two methods at once", { payload: { authorization: {} } }],
    [
      "invalid_payload",
      "another method than the offer's",
      {
        terms: { extra: { ...extra, name: "USDC", version: "2", assetTransferMethod: "eip3009" } },
      },
    ],
  ])("%s: %s", (reason, _, fault) => {
    expect(check(fault)).toBe(reason);
  });

  test("one that is only too old comes along, because it may have been settled in time", () => {
    const late: Fault = { permit: { deadline: String(NOW - 1) } };
    expect(checked([late])).toMatchObject({
      reason: "permit2_deadline_expired",
      expired: { amount: 10_000n },
    });
    expect(checked([late, { permitted: { amount: "1" } }])).not.toHaveProperty("expired");
  });

  const scheme = name === "exact" ? exactEvm({ account: payer }) : uptoEvm({ account: payer });
  const sign = async () =>
    (await scheme.createPayload(base, {
      nowSeconds: NOW,
      lifetimeSeconds: 120,
      x402Version: 2,
    })) as { signature: Hex; permit2Authorization: Fields };
  async function verify(payload: Fields, terms = base, chain = noChain) {
    const result = facilitator.check(
      { x402Version: 2, accepted: terms, payload },
      terms,
      NOW,
      context,
    );
    return "payment" in result
      ? await facilitator.verifySignature(result.payment, chain)
      : result.reason;
  }

  test("what the client signs is accepted, in every form of its signature", async () => {
    const { signature, ...rest } = await sign();
    expect(await verify({ signature, ...rest })).toBeUndefined();
    const v = Number.parseInt(signature.slice(-2), 16) - 27;
    const head = signature.slice(0, -2);
    const s = BigInt(`0x${signature.slice(66, 130)}`) | (BigInt(v) << 255n);
    const compact = signature.slice(0, 66) + s.toString(16).padStart(64, "0");
    for (const form of [`${head}0${v}`, compact, `0x${signature.slice(2).toUpperCase()}`]) {
      expect(await verify({ signature: form, ...rest })).toBeUndefined();
    }
    for (const bad of [`${signature}00`, "0x", `0x${"00".repeat(65)}`]) {
      expect(await verify({ signature: bad, ...rest }, base, noWallet)).toBe(
        "invalid_permit2_signature",
      );
    }
    expect(await verify({ signature: `${signature}${"6492".repeat(16)}`, ...rest })).toBe(
      name === "exact" ? "eip6492_factory_not_allowed" : "upto_wallet_not_deployed",
    );
  });

  test("a signature is refused when anything that was signed was changed", async () => {
    const { signature, permit2Authorization: permit } = await sign();
    const changes: [Fields, Partial<PaymentRequirements>][] = [
      [{ from: other }, {}],
      [{ nonce: "8" }, {}],
      [{ deadline: String(NOW + 121) }, {}],
      [{ permitted: { token: USDC.address, amount: "10001" } }, { amount: "10001" }],
      [{ witness: { ...(permit["witness"] as Fields), to: other } }, { payTo: other }],
      [{ witness: { ...(permit["witness"] as Fields), validAfter: "1" } }, {}],
    ];
    for (const [change, terms] of changes) {
      const payload = { signature, permit2Authorization: { ...permit, ...change } };
      expect(await verify(payload, { ...base, ...terms }, noWallet), JSON.stringify(change)).toBe(
        "invalid_permit2_signature",
      );
    }
  });

  test("a payment instead of another has its nonce, whatever the token", async () => {
    const earlier = await sign();
    const { network } = base;
    const later = { ...base, asset: `0x${"d1".repeat(20)}`, amount: "5" };
    expect(scheme.excludes!({ payload: earlier, network, asset: base.asset }, later)).toBe(true);
    const payload = await scheme.createPayload(later, {
      nowSeconds: NOW,
      lifetimeSeconds: 60,
      x402Version: 2,
      instead: earlier,
    });
    const { nonce } = earlier.permit2Authorization;
    expect(payload["permit2Authorization"]).toMatchObject({ nonce, permitted: { amount: "5" } });
    const elsewhere = { payload: earlier, network: "eip155:1", asset: base.asset };
    expect(scheme.excludes!(elsewhere, later)).toBe(false);
    const stranger = privateKeyToAccount(`0x${"43".repeat(32)}`);
    const theirs =
      name === "exact" ? exactEvm({ account: stranger }) : uptoEvm({ account: stranger });
    expect(theirs.excludes!({ payload: earlier, network, asset: base.asset }, later)).toBe(false);
  });
});

test("upto settles at most what was signed for", () => {
  const { facilitator } = schemes.upto;
  const accepted: PaymentRequirements = {
    ...requirements,
    scheme: "upto",
    extra: schemes.upto.extra,
  };
  const payload = {
    signature: `0x${"11".repeat(64)}1b`,
    permit2Authorization: {
      from: payer.address,
      permitted: { token: USDC.address, amount: "10000" },
      spender: schemes.upto.spender,
      nonce: "7",
      deadline: String(NOW + 300),
      witness: { to: payTo, facilitator: SIGNER, validAfter: "0" },
    },
  };
  const settle = (amount: string) =>
    facilitator.check({ x402Version: 2, accepted, payload }, { ...accepted, amount }, NOW, {
      ...context,
      settling: true,
    });
  for (const amount of ["0", "1", "10000"])
    expect(settle(amount)).toMatchObject({ payment: { amount: BigInt(amount) } });
  expect(settle("10001")).toMatchObject({
    reason: "invalid_upto_evm_payload_settlement_exceeds_amount",
  });
});

describe("methods of exact for buyers", () => {
  const offer = {
    ...requirements,
    extra: { ...requirements.extra, assetTransferMethod: "permit2" },
  };

  test("Permit2 is asked for, or comes with exactEvm", () => {
    expect(exactEvmClient({ account: payer }).supports(offer)).toBe(false);
    expect(exactEvm({ account: payer }).supports(offer)).toBe(true);
    expect(exactEvm({ account: payer }).supports(requirements)).toBe(true);
  });

  test("a token without EIP-3009 is not settled with it", () => {
    const facilitator = exactEvmFacilitator({ assets: [{ ...USDC, transfer: "permit2" }] });
    const payload = { signature: "0x", authorization: {} };
    expect(
      facilitator.check({ x402Version: 2, accepted: requirements, payload }, requirements, NOW),
    ).toEqual({ reason: "invalid_exact_evm_eip3009_not_supported" });
  });
});
