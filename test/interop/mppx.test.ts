import { Mppx } from "mppx/server/core";
import { assets, charge } from "mppx/evm/server";
import { Mppx as MppxClient } from "mppx/client";
import { charge as clientCharge } from "mppx/evm/client";
import { mpp } from "mppx/x402/hono";
import { HTTPFacilitatorClient } from "@x402/core/server";
import { ExactEvmScheme } from "@x402/evm/exact/server";
import { x402ResourceServer } from "@x402/hono";
import { Hono } from "hono";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ourFetch, ourReceipt, ourSite } from "./ours.ts";
import { officialFetch, officialReceipt } from "./peers.ts";
import { NETWORK, PRICE } from "./route.ts";
import { startInteropWorld, type InteropWorld } from "./world.ts";

type Address = `0x${string}`;

let world: InteropWorld;
beforeAll(async () => {
  world = await startInteropWorld();
});
afterAll(() => world.stop());

const secretKey = "a secret of thirty-two bytes or more";

/** `evm.charge` of mppx, which speaks x402 beside its own protocol. */
function mppxSite(facilitator: string, recipient: Address): Hono {
  const methods = [
    charge({ currency: assets.baseSepolia.USDC, recipient, x402: { facilitator } }),
  ] as const;
  const mppx = Mppx.create({ methods, secretKey });
  const app = new Hono();
  app.get("/report", async (c) => {
    const payment = await mppx.charge({ amount: "0.01" })(c.req.raw);
    if (payment.status === 402) return payment.challenge;
    return payment.withReceipt(c.json({ report: "mppx" }));
  });
  return app;
}

/** `@x402/hono` behind mppx's negotiation between the two protocols. */
function mppxHonoSite(facilitator: string, payTo: Address): Hono {
  const server = new x402ResourceServer(new HTTPFacilitatorClient({ url: facilitator })).register(
    NETWORK,
    new ExactEvmScheme(),
  );
  const accepts = { scheme: "exact", price: "$0.01", network: NETWORK, payTo } as const;
  const app = new Hono();
  app.use(mpp({ "GET /report": { accepts, description: "A report" } }, server, { secretKey }));
  app.get("/report", (c) => c.json({ report: "mppx" }));
  return app;
}

const sites = [
  { site: "evm.charge of mppx", build: mppxSite },
  { site: "mppx/x402/hono", build: mppxHonoSite },
];

describe.each(sites)("$site, over our facilitator", ({ build }) => {
  it("is paid by our client: 200, a receipt we can read, exactly the price moved", async () => {
    const { payer, payTo, expectPaid } = await world.parties();
    const url = `${await world.site(build(world.facilitatorUrl, payTo))}/report`;
    const fetchPaid = ourFetch(payer);

    const first = await fetchPaid(url);
    expect(first.status).toBe(200);
    expect(await first.json()).toEqual({ report: "mppx" });
    await expectPaid(ourReceipt(first));

    const second = await fetchPaid(url);
    expect(second.status).toBe(200);
    await expectPaid(ourReceipt(first), ourReceipt(second));
  });

  it("is paid by @x402/fetch", async () => {
    const { payer, payTo, expectPaid } = await world.parties();
    const url = `${await world.site(build(world.facilitatorUrl, payTo))}/report`;
    const response = await officialFetch(payer.account)(url);
    expect(response.status).toBe(200);
    await expectPaid(officialReceipt(response));
  });

  it("is not paid by who is too poor, and nothing moves", async () => {
    const { payer, payTo, expectPaid } = await world.parties(PRICE - 1n);
    const url = `${await world.site(build(world.facilitatorUrl, payTo))}/report`;
    await expect(ourFetch(payer)(url)).rejects.toMatchObject({ code: "payment_rejected" });
    await expectPaid();
  });
});

it("our route is paid by mppx's client", async () => {
  const { payer, payTo, expectPaid } = await world.parties();
  const url = `${await world.site(ourSite(world.facilitatorUrl, payTo))}/report`;
  const methods = [
    clientCharge({ account: payer.account, currencies: [assets.baseSepolia.USDC], maxAmount: "1" }),
  ] as const;
  const mppx = MppxClient.create({ methods, polyfill: false });
  const response = await mppx.fetch(url);
  expect(response.status).toBe(200);
  expect(await response.json()).toEqual({ report: "ours" });
  await expectPaid(ourReceipt(response));
});
