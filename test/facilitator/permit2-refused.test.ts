import type { Address } from "viem";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EvmAsset } from "../../src/evm/facilitator.ts";
import { startLocalWorld } from "../../src/testing/index.ts";
import { installHostileToken } from "../hostile/install-contracts.ts";
import { PLAIN, permit2Payer } from "../setup/permit2.ts";
import { openPermit2Site, permitOf } from "../setup/permit2-site.ts";
import { permit2Payment, signPermit2 } from "../testing/permit2-signing.ts";

let site: Awaited<ReturnType<typeof openPermit2Site>>;
let world: (typeof site)["world"];
let start: (typeof site)["start"];
let pay: (typeof site)["pay"];
beforeAll(async () => {
  site = await openPermit2Site();
  ({ world, start, pay } = site);
});
afterAll(() => site.stop());

describe("is refused with its reason", () => {
  test("nothing allowed, too little allowed, too little there", async () => {
    const { facilitator, sent } = await start();
    const reasonOf = async (options: Parameters<typeof permit2Payer>[1]) => {
      const { request } = await pay(await permit2Payer(world, options));
      const { invalidReason } = await facilitator.verify(request);
      expect(await facilitator.settle(request)).toMatchObject({ errorReason: invalidReason });
      return invalidReason;
    };
    expect(await reasonOf({ allowance: 0n })).toBe("permit2_allowance_required");
    expect(await reasonOf({ allowance: 9999n })).toBe("permit2_allowance_required");
    expect(await reasonOf({ funds: 9999n })).toBe("permit2_insufficient_balance");
    expect(await sent()).toBe(0);
  });

  test("more payments than the balance pays for", async () => {
    const { facilitator } = await start();
    const payer = await permit2Payer(world, { funds: 15_000n });
    const [first, second] = [await pay(payer), await pay(payer)];
    expect(await facilitator.verify(first.request)).toMatchObject({ isValid: true });
    expect(await facilitator.verify(second.request)).toMatchObject({
      invalidReason: "permit2_insufficient_balance",
    });
  });

  test("an amount and a payee that the proxy does not take", async () => {
    const { facilitator } = await start();
    const nothing = await pay(undefined, { amount: "0" });
    expect(await facilitator.verify(nothing.request)).toMatchObject({
      invalidReason: "permit2_invalid_amount",
    });
    const nobody = await pay(undefined, {}, `0x${"00".repeat(20)}`);
    expect(await facilitator.verify(nobody.request)).toMatchObject({
      invalidReason: "permit2_invalid_destination",
    });
  });

  test("a token that is not there, or that refuses", async () => {
    const asset = world.newAccount().address;
    const frozen: EvmAsset = { ...PLAIN, address: asset };
    const { facilitator } = await start({ assets: [frozen] });
    const { request } = await pay(undefined, { asset });
    expect(await facilitator.verify(request)).toMatchObject({
      invalidReason: "asset_not_deployed_contract",
    });
    await world.client.setCode({ address: asset, bytecode: "0xfe" });
    expect(await facilitator.verify(request)).toMatchObject({
      invalidReason: "permit2_simulation_failed",
    });
  });

  test("a token that keeps a fee: what arrives is not the price", async () => {
    const address = world.newAccount().address;
    await installHostileToken(world.client, "fee", address);
    const { facilitator } = await start({ assets: [{ ...PLAIN, address }] });
    const { request, payTo } = await pay(await permit2Payer(world, { token: address }), {
      asset: address,
    });
    expect(await facilitator.settle(request)).toMatchObject({
      success: false,
      errorReason: "invalid_exact_evm_transfer_event_mismatch",
    });
    expect(await world.balanceOf(payTo, address)).toBeLessThan(10_000n);
  });

  test("where the proxy is not deployed", async () => {
    const elsewhere = await startLocalWorld();
    try {
      const { facilitator, signer } = await start();
      await elsewhere.client.setCode({
        address: elsewhere.contracts.exactPermit2Proxy,
        bytecode: "0x",
      });
      const { facilitator: there } = await start({ chain: elsewhere, signer });
      const { request } = await pay();
      expect(await facilitator.verify(request)).toMatchObject({ isValid: true });
      expect(await there.verify(request)).toMatchObject({
        invalidReason: "permit2_proxy_not_deployed",
      });
    } finally {
      await elsewhere.stop();
    }
  });

  test("a clock of the facilitator that is ahead of the chain's", async () => {
    const { facilitator } = await start({ now: () => Date.now() + 100_000 });
    const { request, payer } = await pay();
    const now = await world.now();
    const payment = permit2Payment(
      "exact",
      PLAIN.address,
      payer.address,
      request.paymentRequirements.payTo as Address,
      10_000n,
    );
    const early = {
      ...payment,
      permit: { ...payment.permit, deadline: BigInt(now + 1000) },
      witness: { ...payment.witness, validAfter: BigInt(now + 50) },
    };
    const signature = await signPermit2(payer, early);
    const payload = {
      signature,
      permit2Authorization: {
        from: payer.address,
        permitted: { token: PLAIN.address, amount: "10000" },
        spender: world.contracts.exactPermit2Proxy,
        nonce: early.permit.nonce.toString(),
        deadline: early.permit.deadline.toString(),
        witness: { to: early.witness.to, validAfter: early.witness.validAfter.toString() },
      },
    };
    const paymentPayload = { ...request.paymentPayload, payload };
    expect(await facilitator.verify({ ...request, paymentPayload })).toMatchObject({
      invalidReason: "permit2_payment_too_early",
    });
  });

  test("what was signed for another payee", async () => {
    const { facilitator } = await start();
    const { request } = await pay();
    const payTo = world.newAccount().address;
    const requirements = { ...request.paymentRequirements, payTo };
    expect(
      await facilitator.settle({ ...request, paymentRequirements: requirements }),
    ).toMatchObject({ errorReason: "invalid_permit2_recipient_mismatch" });
    const { signature, permit2Authorization: permit } = permitOf(request);
    const witness = { ...permit.witness, to: payTo };
    const payload = { signature, permit2Authorization: { ...permit, witness } };
    const forged = {
      ...request,
      paymentPayload: { ...request.paymentPayload, payload },
      paymentRequirements: requirements,
    };
    expect(await facilitator.settle(forged)).toMatchObject({
      errorReason: "invalid_permit2_signature",
    });
  });
});
