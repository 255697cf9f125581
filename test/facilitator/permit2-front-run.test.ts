import type { Address, Hex } from "viem";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { FacilitatorRequest } from "../../src/core/messages.ts";
import { openPermit2Site, permitOf, settleData } from "../setup/permit2-site.ts";

let site: Awaited<ReturnType<typeof openPermit2Site>>;
let world: (typeof site)["world"];
let start: (typeof site)["start"];
let pay: (typeof site)["pay"];
let frontRun: (typeof site)["frontRun"];
let received: (typeof site)["received"];
beforeAll(async () => {
  site = await openPermit2Site();
  ({ world, start, pay, frontRun, received } = site);
});
afterAll(() => site.stop());

describe("somebody else sends it first", () => {
  test.each(["directly", "through Multicall3"])(
    "after the claim, %s: the claimant is told success, and a stranger is not",
    async (way) => {
      let transaction: Hex | undefined;
      let before = async (): Promise<void> => undefined;
      const { facilitator, sent } = await start({
        step: async (step) => (step === "claimed" ? before() : undefined),
      });
      const { request, payTo } = await pay();
      before = async () => {
        before = async () => undefined;
        transaction =
          way === "directly" ? await frontRun(request) : await frontRunTogether(request);
      };
      const answer = await facilitator.settle(request, { idempotencyKey: "order" });
      expect(answer).toMatchObject({ success: true, transaction });
      expect(await facilitator.settle(request, { idempotencyKey: "stranger" })).toMatchObject({
        success: false,
        errorReason: "duplicate_settlement",
      });
      expect(await sent()).toBe(0);
      expect(await received(payTo)).toBe(10_000n);
    },
  );

  test("together with another of the same payer: neither a success nor a failure is told", async () => {
    let before = async (): Promise<void> => undefined;
    const { facilitator } = await start({
      step: async (step) => (step === "claimed" ? before() : undefined),
      settleTimeoutMs: 1000,
    });
    const { request, payTo, payer } = await pay();
    const twin = await pay(payer, {}, payTo);
    before = async () => {
      before = async () => undefined;
      await frontRunTogether(request, twin.request);
    };
    const named = { idempotencyKey: "order" };
    await expect(facilitator.settle(request, named)).rejects.toMatchObject({ retry: "unsafe" });
    await expect(facilitator.settle(request, named)).rejects.toMatchObject({ retry: "unsafe" });
    expect(await received(payTo)).toBe(20_000n);
  });

  /** With another payment, through Multicall3. */
  async function frontRunTogether(
    request: FacilitatorRequest,
    another?: FacilitatorRequest,
  ): Promise<Hex> {
    const other = another ?? (await pay()).request;
    const calls = [other, request].map((each) => ({
      target: world.contracts.exactPermit2Proxy as Address,
      allowFailure: true,
      callData: settleData(each),
    }));
    const hash = await world.client.writeContract({
      account: world.accounts.deployer.account,
      address: world.contracts.multicall3,
      abi: [
        {
          type: "function",
          name: "aggregate3",
          stateMutability: "payable",
          inputs: [
            {
              name: "calls",
              type: "tuple[]",
              components: [
                { name: "target", type: "address" },
                { name: "allowFailure", type: "bool" },
                { name: "callData", type: "bytes" },
              ],
            },
          ],
          outputs: [],
        },
      ],
      functionName: "aggregate3",
      args: [calls],
      gas: 800_000n,
    });
    await world.client.waitForTransactionReceipt({ hash });
    return hash;
  }

  test("long before the claim: it is used", async () => {
    const { facilitator } = await start();
    const { request, payTo } = await pay();
    await frontRun(request);
    await world.increaseTime(10);
    await new Promise((resolve) => setTimeout(resolve, 3500));
    expect(await facilitator.verify(request)).toMatchObject({
      invalidReason: "permit2_invalid_nonce",
    });
    expect(await facilitator.settle(request)).toMatchObject({
      success: false,
      errorReason: "permit2_invalid_nonce",
    });
    expect(await received(payTo)).toBe(10_000n);
  }, 15_000);

  test("the payer cancels it after the claim, while a twin of it is paid: it is refused", async () => {
    let before = async (): Promise<void> => undefined;
    const { facilitator } = await start({
      step: async (step) => (step === "claimed" ? before() : undefined),
    });
    const { request, payTo, payer } = await pay();
    const twin = await pay(payer, {}, payTo);
    before = async () => {
      before = async () => undefined;
      const nonce = BigInt(permitOf(request).permit2Authorization.nonce);
      const hash = await world.client.writeContract({
        account: payer.account,
        address: world.contracts.permit2,
        abi: [
          {
            type: "function",
            name: "invalidateUnorderedNonces",
            stateMutability: "nonpayable",
            inputs: [
              { name: "wordPos", type: "uint256" },
              { name: "mask", type: "uint256" },
            ],
            outputs: [],
          },
        ],
        functionName: "invalidateUnorderedNonces",
        args: [nonce >> 8n, 1n << (nonce & 255n)],
      });
      await world.client.waitForTransactionReceipt({ hash });
      await frontRun(twin.request);
    };
    expect(await facilitator.settle(request, { idempotencyKey: "order" })).toMatchObject({
      success: false,
      errorReason: "permit2_invalid_nonce",
    });
    expect(await received(payTo)).toBe(10_000n);
  });
});
