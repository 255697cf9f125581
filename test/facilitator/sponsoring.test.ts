/** Payments with Permit2 whose allowance comes along as a permit of EIP-2612. */
import { parseSignature, type Address } from "viem";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eip2612Abi } from "../../contracts-abi/eip2612.ts";
import type { FacilitatorRequest } from "../../src/core/messages.ts";
import { memoryLedger } from "../../src/ledger/index.ts";
import { startLocalWorld, type LocalWorld } from "../../src/testing/index.ts";
import { PERMIT, sponsoredRequest } from "../setup/permit2.ts";
import { EIP2612, infoOf, sponsoringDesk } from "../setup/sponsoring.ts";

let world: LocalWorld;
let desk: ReturnType<typeof sponsoringDesk>;
beforeAll(async () => {
  world = await startLocalWorld();
  desk = sponsoringDesk(world);
});
afterAll(async () => {
  await desk.close();
  await world.stop();
});

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
  const on = await desk.start();
  expect((await on.facilitator.supported()).extensions).toContain(EIP2612);
  const off = await desk.start({ sponsoring: undefined });
  expect((await off.facilitator.supported()).extensions).toEqual([]);
  const { request } = await desk.pay();
  expect(await off.facilitator.verify(request)).toMatchObject({
    invalidReason: "permit2_allowance_required",
  });
});

test.each(["exact", "upto"])(
  "%s: the allowance and the transfer are one transaction",
  async (scheme) => {
    const { facilitator, signer, sent } = await desk.start();
    const upto = scheme === "upto" ? { upto: signer.address, charge: "4000" } : {};
    const { request, payTo, payer } = await desk.pay(upto);
    const asked = { ...request, paymentRequirements: request.paymentPayload.accepted };
    expect(await facilitator.verify(asked)).toEqual({ isValid: true, payer: payer.address });
    const named = { idempotencyKey: "order" };
    const answer = await facilitator.settle(request, named);
    const amount = scheme === "upto" ? "4000" : "10000";
    expect(answer).toMatchObject({ success: true, amount });
    expect(await facilitator.settle(request, named)).toEqual(answer);
    expect(await desk.received(payTo)).toBe(BigInt(amount));
    expect(await allowance(payer.address)).toBe(10_000n - BigInt(amount));
    expect(await sent()).toBe(1);
    expect(await world.client.getBalance({ address: payer.address })).toBe(0n);
  },
);

test("50 identical settles give one transaction", async () => {
  const { facilitator, sent } = await desk.start();
  const { request, payTo } = await desk.pay();
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => facilitator.settle(request, { idempotencyKey: "order" })),
  );
  expect(answers.every(({ success }) => success)).toBe(true);
  expect(await sent()).toBe(1);
  expect(await desk.received(payTo)).toBe(10_000n);
});

test("payments of many payers share a transaction", async () => {
  const { facilitator, sent } = await desk.start();
  const payments = await Promise.all(Array.from({ length: 6 }, () => desk.pay()));
  const answers = await Promise.all(payments.map(({ request }) => facilitator.settle(request)));
  expect(answers.map(({ success }) => success)).toEqual(payments.map(() => true));
  for (const { payTo } of payments) expect(await desk.received(payTo)).toBe(10_000n);
  expect(await sent()).toBeLessThan(payments.length);
});

test("after a crash another replica finishes it with the permit", async () => {
  const ledger = memoryLedger();
  const signer = world.newAccount();
  await world.fundEther(signer.address, 10n ** 18n);
  const dead = await desk.start({
    ledger,
    signer,
    settleTimeoutMs: 300,
    step: (step) => (step === "marked" ? new Promise<never>(() => undefined) : undefined),
  });
  const { request, payTo } = await desk.pay();
  const named = { idempotencyKey: "order" };
  await dead.facilitator.settle(request, named);
  await dead.facilitator.close(0).catch(() => undefined);
  const alive = await desk.start({ ledger, signer });
  alive.facilitator.start();
  expect(await alive.facilitator.settle(request, named)).toMatchObject({ success: true });
  expect(await desk.received(payTo)).toBe(10_000n);
}, 30_000);

describe("somebody submits the permit first", () => {
  test("the allowance is there, and the payment is settled by it", async () => {
    const { facilitator } = await desk.start();
    const { request, payTo } = await desk.pay();
    await submitPermit(request);
    expect(await facilitator.verify(request)).toMatchObject({ isValid: true });
    expect(await facilitator.settle(request)).toMatchObject({ success: true });
    expect(await desk.received(payTo)).toBe(10_000n);
  });

  test("between simulation and block, the same", async () => {
    let before = async (): Promise<void> => undefined;
    const { facilitator } = await desk.start({
      step: async (step) => (step === "simulated" ? before() : undefined),
    });
    const { request, payTo } = await desk.pay();
    before = async () => {
      before = async () => undefined;
      await submitPermit(request);
    };
    expect(await facilitator.settle(request)).toMatchObject({ success: true });
    expect(await desk.received(payTo)).toBe(10_000n);
  });
});

test("a payment that was settled is not settled again, by whatever permit", async () => {
  const { facilitator, sent } = await desk.start();
  const { request, payTo, payer } = await desk.pay();
  await facilitator.settle(request, { idempotencyKey: "order" });
  const another = await sponsoredRequest(world, payer, desk.requirementsOf(payTo));
  const replay = {
    ...request,
    paymentPayload: { ...request.paymentPayload, extensions: another.paymentPayload.extensions },
  };
  expect(await facilitator.settle(replay)).toMatchObject({ errorReason: "duplicate_settlement" });
  expect(await desk.received(payTo)).toBe(10_000n);
  expect(await sent()).toBe(1);
});
