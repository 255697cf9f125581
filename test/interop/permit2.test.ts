/** Permit2, in `exact` and `upto`: every mix of official and our buyer, seller and facilitator. */
import { x402Facilitator } from "@x402/core/facilitator";
import { HTTPFacilitatorClient } from "@x402/core/server";
import type { PaymentPayload, PaymentRequirements } from "@x402/core/types";
import { ExactEvmScheme as ExactClient } from "@x402/evm/exact/client";
import { ExactEvmScheme as ExactFacilitator } from "@x402/evm/exact/facilitator";
import { ExactEvmScheme as ExactServer } from "@x402/evm/exact/server";
import { UptoEvmScheme as UptoClient } from "@x402/evm/upto/client";
import { UptoEvmScheme as UptoFacilitator } from "@x402/evm/upto/facilitator";
import { UptoEvmScheme as UptoServer } from "@x402/evm/upto/server";
import { wrapFetchWithPayment as officialWrap, x402Client } from "@x402/fetch";
import { paymentMiddleware, x402ResourceServer } from "@x402/hono";
import { Hono, type Context } from "hono";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createFacilitator, createFacilitatorApp, evmChain } from "../../facilitator/index.ts";
import { paywall } from "../../src/adapters/hono.ts";
import { wrapFetchWithPayment } from "../../src/client/index.ts";
import { exactEvmFacilitator, uptoEvmFacilitator } from "../../src/evm/facilitator.ts";
import { exactEvm, readFacilitatorAddress, uptoEvm } from "../../src/evm/index.ts";
import { memoryLedger } from "../../src/ledger/index.ts";
import { httpFacilitator } from "../../src/server/index.ts";
import type { TestAccount } from "../../src/testing/index.ts";
import { permit2Payer } from "../setup/permit2.ts";
import { officialSigner } from "./official-facilitator.ts";
import { officialPaymentRequired, officialReceipt } from "./peers.ts";
import { NETWORK } from "./route.ts";
import type { App } from "./site.ts";
import { startInteropWorld, type InteropWorld } from "./world.ts";

type Scheme = "exact" | "upto";
type Address = `0x${string}`;
type Body = { paymentPayload: PaymentPayload; paymentRequirements: PaymentRequirements };

let world: InteropWorld;
let facilitators: { official: string; ours: string };
const closers: (() => Promise<void>)[] = [];

beforeAll(async () => {
  world = await startInteropWorld();
  const { chain } = world;
  const signer = chain.newAccount();
  await chain.fundEther(signer.address, 10n ** 19n);
  const engine = createFacilitator({
    schemes: [exactEvmFacilitator(), uptoEvmFacilitator()],
    ledger: memoryLedger(),
    chains: [evmChain({ network: NETWORK, rpcUrls: [chain.rpcUrl], signers: [signer.account] })],
  });
  closers.push(() => engine.close());
  facilitators = {
    ours: await world.site(createFacilitatorApp(engine)),
    official: await world.site(officialFacilitator()),
  };
});
afterAll(async () => {
  for (const close of closers) await close();
  await world.stop();
});

function officialFacilitator(): Hono {
  const signer = officialSigner(world.chain);
  const facilitator = new x402Facilitator()
    .register(NETWORK, new ExactFacilitator(signer))
    .register(NETWORK, new UptoFacilitator(signer));
  return new Hono()
    .get("/supported", (c) => c.json(facilitator.getSupported()))
    .post("/verify", async (c) => {
      const { paymentPayload, paymentRequirements } = await c.req.json<Body>();
      return c.json(await facilitator.verify(paymentPayload, paymentRequirements));
    })
    .post("/settle", async (c) => {
      const { paymentPayload, paymentRequirements } = await c.req.json<Body>();
      return c.json(await facilitator.settle(paymentPayload, paymentRequirements));
    });
}

/** Sells `GET /report/<charge>` for at most $0.01. */
const sellers = {
  official(facilitator: string, scheme: Scheme, payTo: Address): Promise<App> {
    const server = new x402ResourceServer(new HTTPFacilitatorClient({ url: facilitator }))
      .register(NETWORK, new ExactServer())
      .register(NETWORK, new UptoServer());
    const extra = { assetTransferMethod: "permit2" };
    const accepts = { scheme, price: "$0.01", network: NETWORK, payTo, extra } as const;
    const app = new Hono();
    app.use(paymentMiddleware({ "GET /report/*": { accepts, description: "A report" } }, server));
    app.get("/report/:charge", report(scheme));
    return Promise.resolve(app);
  },
  async ours(facilitator: string, scheme: Scheme, payTo: Address): Promise<App> {
    const facilitatorAddress = await readFacilitatorAddress(httpFacilitator(facilitator), NETWORK);
    const schemes = [exactEvm(), uptoEvm({ facilitatorAddress })];
    const paid = paywall({ payTo, network: NETWORK, facilitator, schemes });
    const extra = { assetTransferMethod: "permit2" };
    const app = new Hono();
    app.get("/report/:charge", paid([{ scheme, price: "$0.01", extra }]), report(scheme));
    return app;
  },
};

function report(scheme: Scheme) {
  return (c: Context) => {
    const amount = c.req.param("charge") ?? "";
    if (scheme === "upto") c.header("Settlement-Overrides", JSON.stringify({ amount }));
    return c.json({ charged: amount });
  };
}

const buyers = {
  official: ({ account }: TestAccount) =>
    officialWrap(
      fetch,
      new x402Client()
        .register(NETWORK, new ExactClient(account))
        .register(NETWORK, new UptoClient(account)),
    ),
  ours: ({ account }: TestAccount) =>
    wrapFetchWithPayment(fetch, {
      schemes: [exactEvm({ account }), uptoEvm({ account })],
      maxAmount: "$1",
    }),
};

const sides = ["official", "ours"] as const;
const mixes = sides.flatMap((buyer) =>
  sides.flatMap((seller) =>
    sides.flatMap((facilitator) =>
      [buyer, seller, facilitator].includes("ours") ? [{ buyer, seller, facilitator }] : [],
    ),
  ),
);

describe.each(["exact", "upto"] as const)("%s with Permit2", (scheme) => {
  it.each(mixes)(
    "buyer $buyer, seller $seller, facilitator $facilitator",
    async ({ buyer, seller, facilitator }) => {
      const { chain } = world;
      const payer = await permit2Payer(chain, { token: chain.token });
      const payTo = chain.newAccount().address;
      const url = await world.site(await sellers[seller](facilitators[facilitator], scheme, payTo));
      const charge = scheme === "exact" ? 10_000n : 4000n;
      const response = await buyers[buyer](payer)(`${url}/report/${charge}`);
      expect(response.status).toBe(200);
      expect(await response.json()).toEqual({ charged: String(charge) });
      expect(response.headers.has("settlement-overrides")).toBe(false);
      expect(officialReceipt(response)).toMatchObject({ success: true, network: NETWORK });
      expect(await chain.balanceOf(payTo)).toBe(charge);
    },
  );

  it.each([
    { seller: "official", facilitator: "ours" },
    { seller: "ours", facilitator: "official" },
    { seller: "ours", facilitator: "ours" },
  ] as const)(
    "without an allowance: 412 from seller $seller, facilitator $facilitator",
    async ({ seller, facilitator }) => {
      const { chain } = world;
      const payer = await permit2Payer(chain, { token: chain.token, allowance: 0n });
      const payTo = chain.newAccount().address;
      const url = await world.site(await sellers[seller](facilitators[facilitator], scheme, payTo));
      const response = await buyers.official(payer)(`${url}/report/1`);
      expect(response.status).toBe(412);
      expect(officialPaymentRequired(response).error).toBe("permit2_allowance_required");
      expect(await chain.balanceOf(payTo)).toBe(0n);
    },
  );
});

it.each(sides)("upto: nothing used, facilitator %s", async (facilitator) => {
  const { chain } = world;
  const payer = await permit2Payer(chain, { token: chain.token });
  const payTo = chain.newAccount().address;
  const seller = sides[1 - sides.indexOf(facilitator)]!;
  const url = await world.site(await sellers[seller](facilitators[facilitator], "upto", payTo));
  const response = await buyers.ours(payer)(`${url}/report/0`);
  expect(response.status).toBe(200);
  expect(officialReceipt(response)).toMatchObject({ success: true, transaction: "", amount: "0" });
  expect(await chain.balanceOf(payTo)).toBe(0n);
});
