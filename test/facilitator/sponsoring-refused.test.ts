/** Payments whose permit of EIP-2612 is not what it should be. */
import { maxUint256 } from "viem";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startLocalWorld, type LocalWorld } from "../../src/testing/index.ts";
import { signedRequest } from "../setup/payments.ts";
import { PLAIN, plainRequirements } from "../setup/permit2.ts";
import { EIP2612, infoOf, SILENT, sponsoringDesk } from "../setup/sponsoring.ts";

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
    const { facilitator, sent } = await desk.start();
    const { request, payTo } = await desk.pay({ change });
    expect(await facilitator.verify(request)).toMatchObject({ invalidReason: reason });
    expect(await facilitator.settle(request)).toMatchObject({ errorReason: reason });
    expect(await sent()).toBe(0);
    expect(await desk.received(payTo)).toBe(0n);
  });

  test("a permit that the token does not take: of another nonce, amount or account", async () => {
    const { facilitator, sent } = await desk.start();
    const stranger = await desk.pay();
    for (const change of [
      { deadline: String(Math.floor(Date.now() / 1000) + 200) },
      { signature: infoOf(stranger.request).signature },
    ]) {
      const { request } = await desk.pay({ change });
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
    const { facilitator } = await desk.start();
    await world.client.setCode({ address: SILENT, bytecode: "0x60015f5260205ff3" });
    const { request: other, payer, payTo } = await desk.pay();
    await world.fundToken(payer.address, 10_000n, PLAIN.address);
    const request = await signedRequest(payer.account, plainRequirements(payTo, { asset }));
    const extensions = { [EIP2612]: { info: { ...infoOf(other), asset } } };
    Object.assign(request.paymentPayload, { extensions });
    expect(await facilitator.settle(request)).toMatchObject({ success: false, errorReason });
  });

  test("an extension that is only echoed says nothing", async () => {
    const { facilitator } = await desk.start();
    const { request } = await desk.pay();
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
