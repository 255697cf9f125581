import { HTTPFacilitatorClient } from "@x402/core/server";
import { ExactEvmScheme } from "@x402/evm/exact/server";
import { x402ResourceServer } from "@x402/hono";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ourFetch, ourReceipt } from "./ours.ts";
import {
  officialFetch,
  officialPaymentRequired,
  officialReceipt,
  officialSite,
  officialSiteV1,
} from "./peers.ts";
import { NETWORK, PRICE } from "./route.ts";
import { startInteropWorld, type InteropWorld } from "./world.ts";

let world: InteropWorld;
beforeAll(async () => {
  world = await startInteropWorld();
});
afterAll(() => world.stop());

describe("our facilitator behind @x402/hono", () => {
  it("satisfies initialize()", async () => {
    const facilitator = new HTTPFacilitatorClient({ url: world.facilitatorUrl });
    const server = new x402ResourceServer(facilitator).register(NETWORK, new ExactEvmScheme());

    await server.initialize();

    expect(server.getSupportedKind(2, NETWORK, "exact")).toMatchObject({
      x402Version: 2,
      network: NETWORK,
    });
  });

  it("settles what @x402/fetch pays", async () => {
    const { payer, payTo, expectPaid } = await world.parties();
    const url = `${await world.site(officialSite(world.facilitatorUrl, payTo))}/report`;

    const response = await officialFetch(payer.account)(url);

    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ report: "official" });
    await expectPaid(officialReceipt(response));
  });

  it("refuses a forged signature: 402 with our reason, and nothing moves", async () => {
    const { payer, payTo, expectPaid } = await world.parties();
    const url = `${await world.site(officialSite(world.facilitatorUrl, payTo))}/report`;
    const forger = world.chain.newAccount();

    const response = await officialFetch({ ...forger.account, address: payer.address })(url);

    expect(response.status).toBe(402);
    expect(officialPaymentRequired(response).error).toBe("invalid_exact_evm_signature");
    await expectPaid();
  });

  it("refuses a payer who is too poor: 402 with our reason, and nothing moves", async () => {
    const { payer, payTo, expectPaid } = await world.parties(PRICE - 1n);
    const url = `${await world.site(officialSite(world.facilitatorUrl, payTo))}/report`;

    const response = await officialFetch(payer.account)(url);

    expect(response.status).toBe(402);
    expect(officialPaymentRequired(response).error).toBe("invalid_exact_evm_insufficient_balance");
    await expectPaid();
  });
});

/** Settles before the handler runs, without a verify. */
const upfrontSite = (facilitatorUrl: string, payTo: `0x${string}`) =>
  officialSite(facilitatorUrl, payTo, { paymentFlow: "upfront" });

const sites = [
  { server: "@x402/hono with the upfront flow", build: upfrontSite, body: { report: "official" } },
  { server: "@x402/hono", build: officialSite, body: { report: "official" } },
  { server: "x402-hono 1.x", build: officialSiteV1, body: { report: "official v1" } },
];

describe.each(sites)("our client pays $server", ({ build, body }) => {
  it("once a request: 200, a receipt we can read, exactly the price moved", async () => {
    const { payer, payTo, expectPaid } = await world.parties();
    const url = `${await world.site(build(world.facilitatorUrl, payTo))}/report`;
    const fetchPaid = ourFetch(payer);

    const first = await fetchPaid(url);
    expect(first.status).toBe(200);
    expect(await first.json()).toEqual(body);
    await expectPaid(ourReceipt(first));

    const second = await fetchPaid(url);
    expect(second.status).toBe(200);
    await expectPaid(ourReceipt(first), ourReceipt(second));
  });
});
