import { PaymentRejected } from "../../src/client/index.ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { officialFacilitator } from "./official-facilitator.ts";
import { ourFetch, ourReceipt, ourSite } from "./ours.ts";
import { officialFetchV1, officialPaymentRequired, officialReceiptV1 } from "./peers.ts";
import { PRICE } from "./route.ts";
import type { SiteUrl } from "./site.ts";
import { startInteropWorld, type InteropWorld } from "./world.ts";

let world: InteropWorld;
let facilitatorUrl: SiteUrl;
beforeAll(async () => {
  world = await startInteropWorld();
  facilitatorUrl = await world.site(officialFacilitator(world.chain));
});
afterAll(() => world.stop());

describe("our site behind the official facilitator", () => {
  it("sells to our client", async () => {
    const { payer, payTo, expectPaid } = await world.parties();
    const url = `${await world.site(ourSite(facilitatorUrl, payTo))}/report`;

    const response = await ourFetch(payer)(url);

    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ report: "ours" });
    await expectPaid(ourReceipt(response));
  });

  it("sells to a v1 client", async () => {
    const { payer, payTo, expectPaid } = await world.parties();
    const url = `${await world.site(ourSite(facilitatorUrl, payTo))}/report`;

    const response = await officialFetchV1(payer.account)(url);

    expect(response.status).toBe(200);
    await expectPaid(officialReceiptV1(response));
  });

  it("passes on its reason for a refusal", async () => {
    const { payer, payTo, expectPaid } = await world.parties(PRICE - 1n);
    const url = `${await world.site(ourSite(facilitatorUrl, payTo))}/report`;

    const error: unknown = await ourFetch(payer)(url).catch((thrown: unknown) => thrown);

    expect(error).toBeInstanceOf(PaymentRejected);
    const response = (error as PaymentRejected).reply.response!;
    expect(response.status).toBe(402);
    expect(officialPaymentRequired(response).error).toBe("invalid_exact_evm_insufficient_balance");
    await expectPaid();
  });
});
