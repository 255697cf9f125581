import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ourDropInSite, ourSite } from "./ours.ts";
import {
  officialFetch,
  officialFetchV1,
  officialPaymentRequired,
  officialReceipt,
  officialReceiptV1,
} from "./peers.ts";
import { NETWORK, NETWORK_V1, PRICE } from "./route.ts";
import { startInteropWorld, type InteropWorld } from "./world.ts";

let world: InteropWorld;
beforeAll(async () => {
  world = await startInteropWorld();
});
afterAll(() => world.stop());

const clients = [
  { client: "@x402/fetch", pay: officialFetch, receiptOf: officialReceipt, network: NETWORK },
  {
    client: "x402-fetch 1.x",
    pay: officialFetchV1,
    receiptOf: officialReceiptV1,
    network: NETWORK_V1,
  },
];
const sites = [
  { route: "paid()", build: ourSite },
  { route: "paymentMiddleware()", build: ourDropInSite },
];

describe.each(clients)("$client", ({ pay, receiptOf, network }) => {
  describe.each(sites)("pays our $route", ({ build }) => {
    it("once a request: 200, a receipt it can read, exactly the price moved", async () => {
      const { payer, payTo, expectPaid } = await world.parties();
      const url = `${await world.site(build(world.facilitatorUrl, payTo))}/report`;
      const fetchPaid = pay(payer.account);

      const first = await fetchPaid(url);
      expect(first.status).toBe(200);
      expect(await first.json()).toEqual({ report: "ours" });
      expect(receiptOf(first).network).toBe(network);
      await expectPaid(receiptOf(first));

      const second = await fetchPaid(url);
      expect(second.status).toBe(200);
      await expectPaid(receiptOf(first), receiptOf(second));
    });
  });

  it("is told with a 402 that the payer is too poor, and nothing moves", async () => {
    const { payer, payTo, expectPaid } = await world.parties(PRICE - 1n);
    const url = `${await world.site(ourSite(world.facilitatorUrl, payTo))}/report`;

    const response = await pay(payer.account)(url);

    expect(response.status).toBe(402);
    expect(officialPaymentRequired(response).error).toBe("invalid_exact_evm_insufficient_balance");
    expect(await response.json()).toMatchObject({
      x402Version: 1,
      error: "invalid_exact_evm_insufficient_balance",
    });
    await expectPaid();
  });
});
