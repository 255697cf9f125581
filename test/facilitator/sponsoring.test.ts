/** Payments with Permit2 whose allowance comes along as a permit of EIP-2612. */
import { maxUint256, parseSignature, type Address, type Hex } from "viem";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eip2612Abi } from "../../contracts-abi/eip2612.ts";
import {
  createFacilitator,
  evmChain,
  type FacilitatorEngine,
  type SponsoringOptions,
} from "../../facilitator/index.ts";
import type { Step } from "../../facilitator/settlement/options.ts";
import type { FacilitatorRequest, PaymentRequirements } from "../../src/core/messages.ts";
import { exactEvmFacilitator, uptoEvmFacilitator } from "../../src/evm/facilitator.ts";
import { memoryLedger, type Ledger } from "../../src/ledger/index.ts";
import { startLocalWorld, type LocalWorld, type TestAccount } from "../../src/testing/index.ts";
import { signedRequest } from "../setup/payments.ts";
import {
  PERMIT,
  PLAIN,
  permit2Payer,
  plainRequirements,
  sponsoredRequest,
} from "../setup/permit2.ts";

/** Where a token may be that does what a test says. */
const SILENT: Address = "0x5111e00000000000000000000000000000000001";
const EIP2612 = "eip2612GasSponsoring";
const AMPLE: SponsoringOptions = { perPayerPerDay: 10n ** 18n, perDay: 10n ** 19n };

let world: LocalWorld;
const facilitators: FacilitatorEngine[] = [];
beforeAll(async () => {
  world = await startLocalWorld();
});
afterAll(async () => {
  await Promise.all(facilitators.map((each) => each.close(1000)));
  await world.stop();
});

interface Options {
  readonly sponsoring?: SponsoringOptions | undefined;
  readonly ledger?: Ledger;
  readonly signer?: TestAccount;
  readonly now?: () => number;
  readonly settleTimeoutMs?: number;
  readonly step?: (step: Step) => Promise<void> | void;
}

async function start({ ledger = memoryLedger(), signer, ...options }: Options = {}) {
  const account = signer ?? world.newAccount();
  if (signer === undefined) await world.fundEther(account.address, 10n ** 18n);
  const { sponsoring = AMPLE } = options;
  const off = "sponsoring" in options && options.sponsoring === undefined;
  const assets = [PLAIN, PERMIT, { ...PLAIN, address: SILENT }];
  const facilitator = createFacilitator({
    schemes: [exactEvmFacilitator({ assets }), uptoEvmFacilitator({ assets })],
    ledger,
    chains: [
      evmChain({
        network: world.network,
        rpcUrls: [world.rpcUrl],
        signers: [account.account],
      }),
    ],
    ...(options.now && { now: options.now }),
    ...(options.step && { step: options.step }),
    ...(options.settleTimeoutMs && { settleTimeoutMs: options.settleTimeoutMs }),
    ...(!off && { sponsoring }),
  });
  facilitators.push(facilitator);
  const sent = () => world.client.getTransactionCount({ address: account.address });
  return { facilitator, signer: account, sent };
}

const newPayer = () => permit2Payer(world, { token: PERMIT.address, allowance: 0n });
const requirementsOf = (payTo: Address, facilitator?: Address): PaymentRequirements =>
  plainRequirements(payTo, {
    asset: PERMIT.address,
    ...(facilitator && {
      scheme: "upto",
      extra: { assetTransferMethod: "permit2", facilitatorAddress: facilitator },
    }),
  });

async function pay(
  options: Parameters<typeof sponsoredRequest>[3] & { payer?: TestAccount; upto?: Address } = {},
) {
  const payer = options.payer ?? (await newPayer());
  const payTo = world.newAccount().address;
  const requirements = requirementsOf(payTo, options.upto);
  const request = await sponsoredRequest(world, payer, requirements, options);
  return { payer, payTo, request };
}

const received = (payTo: Address) => world.balanceOf(payTo, PERMIT.address);
const allowance = (payer: Address) =>
  world.client.readContract({
    address: PERMIT.address,
    abi: [
      {
        type: "function",
        name: "allowance",
        stateMutability: "view",
        inputs: [{ type: "address" }, { type: "address" }],
        outputs: [{ type: "uint256" }],
      },
    ],
    functionName: "allowance",
    args: [payer, world.contracts.permit2],
  });

type Info = { from: Address; amount: string; deadline: string; signature: Hex };
const infoOf = ({ paymentPayload }: FacilitatorRequest) =>
  (paymentPayload.extensions as Record<string, { info: Info }>)[EIP2612]!.info;

/** Somebody else, who has seen the payment, submits its permit. */
async function submitPermit(request: FacilitatorRequest) {
  const { from, amount, deadline, signature } = infoOf(request);
  const { r, s, yParity } = parseSignature(signature);
  const hash = await world.client.writeContract({
    account: world.accounts.deployer.account,
    address: PERMIT.address,
    abi: eip2612Abi,
    functionName: "permit",
    args: [from, world.contracts.permit2, BigInt(amount), BigInt(deadline), yParity + 27, r, s],
  });
  await world.client.waitForTransactionReceipt({ hash });
}

test("is listed when it is on, and only then", async () => {
  const on = await start();
  expect((await on.facilitator.supported()).extensions).toContain(EIP2612);
  const off = await start({ sponsoring: undefined });
  expect((await off.facilitator.supported()).extensions).toEqual([]);
  const { request } = await pay();
  expect(await off.facilitator.verify(request)).toMatchObject({
    invalidReason: "permit2_allowance_required",
  });
});

test.each(["exact", "upto"])(
  "%s: the allowance and the transfer are one transaction",
  async (scheme) => {
    const { facilitator, signer, sent } = await start();
    const upto = scheme === "upto" ? { upto: signer.address, charge: "4000" } : {};
    const { request, payTo, payer } = await pay(upto);
    const asked = { ...request, paymentRequirements: request.paymentPayload.accepted };
    expect(await facilitator.verify(asked)).toEqual({ isValid: true, payer: payer.address });
    const named = { idempotencyKey: "order" };
    const answer = await facilitator.settle(request, named);
    const amount = scheme === "upto" ? "4000" : "10000";
    expect(answer).toMatchObject({ success: true, amount });
    expect(await facilitator.settle(request, named)).toEqual(answer);
    expect(await received(payTo)).toBe(BigInt(amount));
    expect(await allowance(payer.address)).toBe(10_000n - BigInt(amount));
    expect(await sent()).toBe(1);
    expect(await world.client.getBalance({ address: payer.address })).toBe(0n);
  },
);

test("50 identical settles give one transaction", async () => {
  const { facilitator, sent } = await start();
  const { request, payTo } = await pay();
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => facilitator.settle(request, { idempotencyKey: "order" })),
  );
  expect(answers.every(({ success }) => success)).toBe(true);
  expect(await sent()).toBe(1);
  expect(await received(payTo)).toBe(10_000n);
});

test("payments of many payers share a transaction", async () => {
  const { facilitator, sent } = await start();
  const payments = await Promise.all(Array.from({ length: 6 }, () => pay()));
  const answers = await Promise.all(payments.map(({ request }) => facilitator.settle(request)));
  expect(answers.map(({ success }) => success)).toEqual(payments.map(() => true));
  for (const { payTo } of payments) expect(await received(payTo)).toBe(10_000n);
  expect(await sent()).toBeLessThan(payments.length);
});

test("after a crash another replica finishes it with the permit", async () => {
  const ledger = memoryLedger();
  const signer = world.newAccount();
  await world.fundEther(signer.address, 10n ** 18n);
  const dead = await start({
    ledger,
    signer,
    settleTimeoutMs: 300,
    step: (step) => (step === "marked" ? new Promise<never>(() => undefined) : undefined),
  });
  const { request, payTo } = await pay();
  const named = { idempotencyKey: "order" };
  await dead.facilitator.settle(request, named);
  await dead.facilitator.close(0).catch(() => undefined);
  const alive = await start({ ledger, signer });
  alive.facilitator.start();
  expect(await alive.facilitator.settle(request, named)).toMatchObject({ success: true });
  expect(await received(payTo)).toBe(10_000n);
}, 30_000);

describe("somebody submits the permit first", () => {
  test("the allowance is there, and the payment is settled by it", async () => {
    const { facilitator } = await start();
    const { request, payTo } = await pay();
    await submitPermit(request);
    expect(await facilitator.verify(request)).toMatchObject({ isValid: true });
    expect(await facilitator.settle(request)).toMatchObject({ success: true });
    expect(await received(payTo)).toBe(10_000n);
  });

  test("between simulation and block, the same", async () => {
    let before = async (): Promise<void> => undefined;
    const { facilitator } = await start({
      step: async (step) => (step === "simulated" ? before() : undefined),
    });
    const { request, payTo } = await pay();
    before = async () => {
      before = async () => undefined;
      await submitPermit(request);
    };
    expect(await facilitator.settle(request)).toMatchObject({ success: true });
    expect(await received(payTo)).toBe(10_000n);
  });
});

test("a payment that was settled is not settled again, by whatever permit", async () => {
  const { facilitator, sent } = await start();
  const { request, payTo, payer } = await pay();
  await facilitator.settle(request, { idempotencyKey: "order" });
  const another = await sponsoredRequest(world, payer, requirementsOf(payTo));
  const replay = {
    ...request,
    paymentPayload: { ...request.paymentPayload, extensions: another.paymentPayload.extensions },
  };
  expect(await facilitator.settle(replay)).toMatchObject({ errorReason: "duplicate_settlement" });
  expect(await received(payTo)).toBe(10_000n);
  expect(await sent()).toBe(1);
});

describe("is refused with its reason", () => {
  test.each([
    ["invalid_eip2612_extension_format", { signature: "0x12" }],
    ["invalid_eip2612_extension_format", { nonce: "-1" }],
    ["invalid_eip2612_extension_format", { deadline: 5 }],
    ["invalid_eip2612_extension_format", { version: "one" }],
    ["invalid_eip2612_extension_format", { from: "0x12" }],
    ["invalid_eip2612_extension_format", { signature: `0x${"12".repeat(66)}` }],
    ["eip2612_from_mismatch", { from: SILENT }],
    ["eip2612_asset_mismatch", { asset: PLAIN.address }],
    ["eip2612_spender_not_permit2", { spender: PLAIN.address }],
    ["permit2_2612_amount_mismatch", { amount: maxUint256.toString() }],
    ["permit2_2612_amount_mismatch", { amount: "9999" }],
    ["eip2612_deadline_expired", { deadline: String(Math.floor(Date.now() / 1000)) }],
  ])("%s %o", async (reason, change) => {
    const { facilitator, sent } = await start();
    const { request, payTo } = await pay({ change });
    expect(await facilitator.verify(request)).toMatchObject({ invalidReason: reason });
    expect(await facilitator.settle(request)).toMatchObject({ errorReason: reason });
    expect(await sent()).toBe(0);
    expect(await received(payTo)).toBe(0n);
  });

  test("a permit that the token does not take: of another nonce, amount or account", async () => {
    const { facilitator, sent } = await start();
    const stranger = await pay();
    for (const change of [
      { deadline: String(Math.floor(Date.now() / 1000) + 200) },
      { signature: infoOf(stranger.request).signature },
    ]) {
      const { request } = await pay({ change });
      const reason = "permit2_allowance_required";
      expect(await facilitator.verify(request)).toMatchObject({ invalidReason: reason });
      expect(await facilitator.settle(request)).toMatchObject({ errorReason: reason });
    }
    expect(await sent()).toBe(0);
  });

  test.each([
    ["without a permit", PLAIN.address, "permit2_allowance_required"],
    ["that says yes to everything", SILENT, "invalid_exact_evm_transfer_event_mismatch"],
  ] as const)("a token %s", async (_, asset, errorReason) => {
    const { facilitator } = await start();
    await world.client.setCode({ address: SILENT, bytecode: "0x60015f5260205ff3" });
    const { request: other, payer, payTo } = await pay();
    await world.fundToken(payer.address, 10_000n, PLAIN.address);
    const request = await signedRequest(payer.account, plainRequirements(payTo, { asset }));
    const extensions = { [EIP2612]: { info: { ...infoOf(other), asset } } };
    Object.assign(request.paymentPayload, { extensions });
    expect(await facilitator.settle(request)).toMatchObject({ success: false, errorReason });
  });

  test("an extension that is only echoed says nothing", async () => {
    const { facilitator } = await start();
    const { request } = await pay();
    const info = { description: "as declared", version: "1" };
    const echo = {
      ...request,
      paymentPayload: { ...request.paymentPayload, extensions: { [EIP2612]: { info } } },
    };
    expect(await facilitator.verify(echo)).toMatchObject({
      invalidReason: "permit2_allowance_required",
    });
  });
});
