import { serve } from "@hono/node-server";
import { Hono } from "hono";
import type { AddressInfo } from "node:net";
import { createFacilitator, createFacilitatorApp, evmChain } from "../../facilitator/index.ts";
import { paywall } from "../../src/adapters/hono.ts";
import { decodeHeader, PAYMENT_REQUIRED } from "../../src/core/header.ts";
import {
  PaymentRequired,
  type PaymentPayload,
  type PaymentRequirements,
} from "../../src/core/messages.ts";
import { exactEvmFacilitator } from "../../src/evm/facilitator.ts";
import { exactEvm } from "../../src/evm/index.ts";
import { memoryLedger } from "../../src/ledger/index.ts";
import {
  startLocalWorld,
  startRpcProxy,
  type LocalWorld,
  type RpcProxy,
} from "../../src/testing/index.ts";

export interface Site {
  /** The paid route. */
  readonly url: string;
  readonly facilitatorUrl: string;
  readonly world: LocalWorld;
  /** Between the facilitator and the chain. */
  readonly rpc: RpcProxy;
  readonly handlerRuns: number;
  /** Errors that the facilitator's operator would see. */
  readonly errors: readonly unknown[];
  readonly offer: PaymentRequirements;
  /** A payment that nothing is wrong with, signed for `lifetimeSeconds`. */
  payment(lifetimeSeconds?: number): Promise<PaymentPayload>;
  stop(): Promise<void>;
}

/** A site with one paid route, its facilitator behind HTTP, and a local chain behind a counting proxy. */
export async function startSite(): Promise<Site> {
  const world = await startLocalWorld();
  const rpc = await startRpcProxy(world.rpcUrl);
  const servers: { close(): unknown }[] = [];
  const errors: unknown[] = [];
  let handlerRuns = 0;

  const listen = (app: Hono): Promise<string> =>
    new Promise((resolve) => {
      const server = serve(
        { fetch: app.fetch, port: 0, hostname: "127.0.0.1" },
        (info: AddressInfo) => resolve(`http://127.0.0.1:${info.port}`),
      );
      servers.push(server);
    });

  const facilitator = createFacilitator({
    schemes: [exactEvmFacilitator()],
    ledger: memoryLedger(),
    chains: [
      evmChain({
        network: world.network,
        rpcUrls: [rpc.url],
        signers: [world.accounts.facilitator.account],
      }),
    ],
  });
  const facilitatorApp = createFacilitatorApp(facilitator, {
    onError: (error) => errors.push(error),
  });
  const facilitatorUrl = await listen(facilitatorApp);
  const paid = paywall({
    facilitator: facilitatorUrl,
    schemes: [exactEvm()],
    network: world.network,
    payTo: world.accounts.payee.address,
  });
  const app = new Hono();
  app.all("/report", paid("$0.01"), (c) => {
    handlerRuns += 1;
    return c.json({ report: 42 });
  });
  const url = `${await listen(app)}/report`;

  const unpaid = await fetch(url);
  const header = unpaid.headers.get(PAYMENT_REQUIRED) ?? "";
  const demand = decodeHeader(
    PaymentRequired,
    header,
    "malformed_payment_required",
    PAYMENT_REQUIRED,
  );
  const [offer] = demand.accepts;
  if (offer === undefined) throw new Error("the site offers nothing");
  const client = exactEvm({ account: world.accounts.payer.account });

  return {
    url,
    facilitatorUrl,
    world,
    rpc,
    errors,
    offer,
    get handlerRuns() {
      return handlerRuns;
    },
    async payment(lifetimeSeconds = 300) {
      const nowSeconds = Math.floor(Date.now() / 1000);
      const payload = await client.createPayload(offer, {
        nowSeconds,
        lifetimeSeconds,
        x402Version: 2,
      });
      return { x402Version: 2, accepted: offer, payload };
    },
    async stop() {
      for (const server of servers) server.close();
      await rpc.stop();
      await world.stop();
    },
  };
}
