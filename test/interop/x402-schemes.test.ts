import { ExactEvmScheme } from "@x402/evm/exact/client";
import { ExactEvmSchemeV1 } from "@x402/evm/exact/v1/client";
import { wrapFetchWithPayment as wrapWithOfficial, x402Client } from "@x402/fetch";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fromX402Scheme, toX402Scheme } from "../../src/client/x402-schemes.ts";
import { wrapFetchWithPayment } from "../../src/client/index.ts";
import { exactEvm } from "../../src/evm/index.ts";
import type { TestAccount } from "../../src/testing/index.ts";
import { ourReceipt, ourSite } from "./ours.ts";
import { officialReceipt, officialReceiptV1, officialSite, officialSiteV1 } from "./peers.ts";
import { NETWORK, NETWORK_V1, PRICE } from "./route.ts";
import { startInteropWorld, type InteropWorld } from "./world.ts";

let world: InteropWorld;
beforeAll(async () => {
  world = await startInteropWorld();
});
afterAll(() => world.stop());

const { asset } = exactEvm();

/** Our fetch with the scheme object of `@x402/evm`. */
const withTheirScheme =
  (network: string, v1 = false) =>
  ({ account }: TestAccount) =>
    wrapFetchWithPayment(fetch, {
      schemes: [
        fromX402Scheme({
          network,
          client: new ExactEvmScheme(account),
          ...(v1 && { clientV1: new ExactEvmSchemeV1(account) }),
          asset,
        }),
      ],
    });

/** `@x402/fetch` with our scheme. */
const withOurScheme = ({ account }: TestAccount) => {
  const ours = toX402Scheme(exactEvm({ account }));
  return wrapWithOfficial(
    fetch,
    new x402Client().register("eip155:*", ours).registerV1(NETWORK_V1, ours),
  );
};

const sites = [
  { site: "our Hono route", build: ourSite, body: { report: "ours" }, v1: false },
  { site: "@x402/hono", build: officialSite, body: { report: "official" }, v1: false },
  { site: "x402-hono 1.x", build: officialSiteV1, body: { report: "official v1" }, v1: true },
];
const clients = [
  {
    client: "our fetch with the scheme of @x402/evm",
    pay: withTheirScheme("eip155:*"),
    receiptOf: ourReceipt,
    receiptOfV1: ourReceipt,
  },
  {
    client: "our fetch with the schemes of @x402/evm for one network and both versions",
    pay: withTheirScheme(NETWORK, true),
    receiptOf: ourReceipt,
    receiptOfV1: ourReceipt,
  },
  {
    client: "@x402/fetch with our scheme",
    pay: withOurScheme,
    receiptOf: officialReceipt,
    receiptOfV1: officialReceiptV1,
  },
];

describe.each(clients)("$client", ({ pay, receiptOf, receiptOfV1 }) => {
  it.each(sites)("pays $site, exactly the price", async ({ build, body, v1 }) => {
    const { payer, payTo, expectPaid } = await world.parties();
    const url = `${await world.site(build(world.facilitatorUrl, payTo))}/report`;
    const fetchPaid = pay(payer);
    const receipts = [];
    for (let time = 0; time < 2; time++) {
      const response = await fetchPaid(url);
      expect(response.status).toBe(200);
      expect(await response.json()).toEqual(body);
      receipts.push((v1 ? receiptOfV1 : receiptOf)(response));
    }
    await expectPaid(...receipts);
  });
});

describe("limits hold in both directions", () => {
  it("ours: a price over maxAmount is not paid with their scheme", async () => {
    const { payer, payTo, expectPaid } = await world.parties();
    const url = `${await world.site(officialSite(world.facilitatorUrl, payTo))}/report`;
    const scheme = fromX402Scheme({
      network: NETWORK,
      client: new ExactEvmScheme(payer.account),
      asset,
    });
    const pay = wrapFetchWithPayment(fetch, { schemes: [scheme], maxAmount: "$0.009" });
    await expect(pay(url)).rejects.toMatchObject({ code: "payment_refused" });
    await expectPaid();
  });

  it("theirs: their spend controls know our tokens", async () => {
    const { payer, payTo, expectPaid } = await world.parties();
    const url = `${await world.site(officialSite(world.facilitatorUrl, payTo))}/report`;
    const client = new x402Client()
      .register("eip155:*", toX402Scheme(exactEvm({ account: payer.account })))
      .setSpendControls({ maxAmountPerPayment: "$0.009" });
    await expect(wrapWithOfficial(fetch, client)(url)).rejects.toThrow(/spendControls/);
    client.setSpendControls({ maxAmountPerPayment: "$0.01" });
    const response = await wrapWithOfficial(fetch, client)(url);
    await expectPaid(officialReceipt(response));
    expect((await world.chain.transfersTo(payTo))[0]?.value).toBe(PRICE);
  });
});
