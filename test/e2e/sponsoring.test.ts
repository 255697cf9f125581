/** Buyer, paywall and facilitator over real HTTP on the local chain, where the buyer has no allowance and no ether. */
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createFacilitator, createFacilitatorApp, evmChain } from "../../facilitator/index.ts";
import { paywall } from "../../src/adapters/hono.ts";
import { getPaymentReceipt, wrapFetchWithPayment } from "../../src/client/index.ts";
import { exactEvmFacilitator, uptoEvmFacilitator } from "../../src/evm/facilitator.ts";
import { exactEvm, rpcReader, uptoEvm, type GasSponsoring } from "../../src/evm/index.ts";
import { memoryLedger } from "../../src/ledger/index.ts";
import { startLocalWorld, type LocalWorld, type TestAccount } from "../../src/testing/index.ts";
import { PERMIT, PLAIN, permit2Payer } from "../setup/permit2.ts";

let world: LocalWorld;
let site: string;
const closers: (() => unknown)[] = [];
const assets = [PERMIT, PLAIN];
const gasSponsoring: readonly GasSponsoring[] = ["eip2612", "erc20Approval"];

async function listen(app: Hono): Promise<string> {
  return await new Promise((resolve) => {
    const server = serve(
      { fetch: app.fetch, port: 0, hostname: "127.0.0.1" },
      (info: AddressInfo) => resolve(`http://127.0.0.1:${info.port}`),
    );
    closers.push(() => server.close());
  });
}

beforeAll(async () => {
  world = await startLocalWorld();
  const engine = createFacilitator({
    schemes: [exactEvmFacilitator({ assets }), uptoEvmFacilitator({ assets })],
    ledger: memoryLedger(),
    chains: [
      evmChain({
        network: world.network,
        rpcUrls: [world.rpcUrl],
        signers: [world.accounts.facilitator.account],
      }),
    ],
    sponsoring: { perPayerPerDay: 10n ** 18n, perDay: 10n ** 19n },
  });
  closers.push(() => engine.close());
  const facilitator = await listen(createFacilitatorApp(engine, { onError: console.error }));
  const facilitatorAddress = world.accounts.facilitator.address;
  const paid = paywall({
    facilitator,
    schemes: [
      exactEvm({ assets, gasSponsoring }),
      uptoEvm({ assets, facilitatorAddress, gasSponsoring }),
    ],
    network: world.network,
    payTo: world.accounts.payee.address,
  });
  const app = new Hono();
  const price = { amount: "10000", asset: PERMIT.address };
  const plain = { amount: "10000", asset: PLAIN.address };
  app.get("/plain", paid([{ price: plain }]), (c) => c.json({}));
  app.get("/plain-upto", paid([{ scheme: "upto", price: plain }]), (c) => {
    c.get("payment").charge(2500n);
    return c.json({});
  });
  app.get("/exact", paid([{ price }]), (c) => c.json({}));
  const usdc = { amount: "10000", asset: world.token };
  app.get("/usdc", paid([{ price: usdc }]), (c) => c.json({}));
  app.get("/upto", paid([{ scheme: "upto", price }]), (c) => {
    c.get("payment").charge(2500n);
    return c.json({});
  });
  site = await listen(app);
});
afterAll(async () => {
  for (const close of closers) await close();
  await world.stop();
});

const fetchOf = ({ account }: TestAccount, signApprovals = false) => {
  const options = {
    signApprovals,
    account,
    assets,
    chain: rpcReader({ [world.network]: world.rpcUrl }),
  };
  return wrapFetchWithPayment(fetch, {
    schemes: [exactEvm(options), uptoEvm(options)],
    maxAmount: "$1",
  });
};

test("declared is what the offers need", async () => {
  const declaredAt = async (path: string) => {
    const response = await fetch(`${site}${path}`);
    const text = atob(response.headers.get("PAYMENT-REQUIRED")!);
    return (JSON.parse(text) as { extensions: Record<string, unknown> }).extensions;
  };
  for (const path of ["/exact", "/upto"]) {
    expect(await declaredAt(path)).toMatchObject({
      eip2612GasSponsoring: {
        info: { description: expect.any(String) as string, version: "1" },
        schema: { type: "object" },
      },
      erc20ApprovalGasSponsoring: { info: { version: "1" }, schema: { type: "object" } },
    });
  }
  expect(Object.keys(await declaredAt("/usdc"))).toEqual(["payment-identifier"]);
  expect(() => exactEvm({ gasSponsoring: ["free" as GasSponsoring] })).toThrow(TypeError);
});

test.each([
  ["/exact", "10000"],
  ["/upto", "2500"],
])("%s: a payer without ether and allowance pays, twice", async (path, amount) => {
  const payer = await permit2Payer(world, { token: PERMIT.address, allowance: 0n });
  const received = () => world.balanceOf(world.accounts.payee.address, PERMIT.address);
  const pay = fetchOf(payer);
  for (let round = 0; round < 2; round++) {
    const before = await received();
    const response = await pay(`${site}${path}`);
    expect(response.status).toBe(200);
    expect(getPaymentReceipt(response)).toMatchObject({ success: true, amount });
    expect((await received()) - before).toBe(BigInt(amount));
  }
  expect(await world.client.getBalance({ address: payer.address })).toBe(0n);
});

test.each([
  ["/plain", "10000"],
  ["/plain-upto", "2500"],
])("%s: a payer whose token has no permit signs an approval, if told to", async (path, amount) => {
  const payer = await permit2Payer(world, { allowance: 0n });
  await world.fundEther(payer.address, 10n ** 17n);
  const received = () => world.balanceOf(world.accounts.payee.address, PLAIN.address);
  const before = await received();
  await expect(fetchOf(payer)(`${site}${path}`)).rejects.toMatchObject({
    code: "permit2_allowance_required",
  });
  for (let round = 1; round <= 2; round++) {
    const response = await fetchOf(payer, true)(`${site}${path}`);
    expect(response.status).toBe(200);
    expect(getPaymentReceipt(response)).toMatchObject({ success: true, amount });
    expect((await received()) - before).toBe(BigInt(amount) * BigInt(round));
  }
  expect(await world.client.getTransactionCount({ address: payer.address })).toBe(1);
});
