import { serve } from "@hono/node-server";
import { Hono } from "hono";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createFacilitator, createFacilitatorApp, evmChain } from "../../facilitator/index.ts";
import { paywall } from "../../src/adapters/hono.ts";
import { getPaymentReceipt, wrapFetchWithPayment } from "../../src/client/index.ts";
import { exactEvmFacilitator } from "../../src/evm/facilitator.ts";
import { exactEvm } from "../../src/evm/index.ts";
import { memoryLedger } from "../../src/ledger/index.ts";
import { startLocalWorld, type LocalWorld } from "../../src/testing/index.ts";

let world: LocalWorld;
const servers: { close(): unknown }[] = [];

async function listen(app: Hono): Promise<string> {
  return await new Promise((resolve) => {
    const server = serve(
      { fetch: app.fetch, port: 0, hostname: "127.0.0.1" },
      (info: AddressInfo) => resolve(`http://127.0.0.1:${info.port}`),
    );
    servers.push(server);
  });
}

beforeAll(async () => {
  world = await startLocalWorld();
});
afterAll(async () => {
  for (const server of servers) server.close();
  await world.stop();
});

test("an agent pays for a route, settled on the local chain", async () => {
  const facilitator = createFacilitator({
    schemes: [exactEvmFacilitator()],
    ledger: memoryLedger(),
    chains: [
      evmChain({
        network: world.network,
        rpcUrls: [world.rpcUrl],
        signers: [world.accounts.facilitator.account],
      }),
    ],
  });
  const facilitatorUrl = await listen(
    createFacilitatorApp(facilitator, { onError: console.error }),
  );
  const paid = paywall({
    facilitator: facilitatorUrl,
    schemes: [exactEvm()],
    network: world.network,
    payTo: world.accounts.payee.address,
  });
  const app = new Hono();
  app.get("/report", paid("$0.01"), (c) => c.json({ report: 42, payer: c.get("payment").payer }));
  const url = await listen(app);

  const unpaid = await fetch(`${url}/report`);
  expect(unpaid.status).toBe(402);

  const pay = wrapFetchWithPayment(fetch, {
    schemes: [exactEvm({ account: world.accounts.payer.account })],
  });
  const response = await pay(`${url}/report`);
  expect(await response.json()).toMatchObject({ report: 42 });
  expect(response.status).toBe(200);
  expect(getPaymentReceipt(response)).toMatchObject({ success: true });
  expect(await world.balanceOf(world.accounts.payee.address)).toBe(10_000n);
});
