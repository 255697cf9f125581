/** A publisher with a facilitator on a local chain, whose replies can be lost or held back. */
import { serve, type HttpBindings } from "@hono/node-server";
import { Hono } from "hono";
import { createFacilitator, createFacilitatorApp, evmChain } from "../../facilitator/index.ts";
import { paywall } from "../../src/adapters/hono.ts";
import { exactEvmFacilitator } from "../../src/evm/facilitator.ts";
import { exactEvm } from "../../src/evm/index.ts";
import { memoryLedger } from "../../src/ledger/index.ts";
import { startLocalWorld, type LocalWorld } from "../../src/testing/index.ts";

export interface PaidShop {
  readonly world: LocalWorld;
  readonly url: string;
  /** How many replies to payments are cut off from now on; the payments are taken all the same. */
  loseReplies(count: number): void;
  /** Payments that the shop was shown. */
  readonly payments: readonly string[];
  /** Holds replies back until the function that comes back is called. */
  holdReplies(): () => void;
  close(): Promise<void>;
}

/** Sells `/cent`, `/thirty` (cents), and `/free`. */
export async function openPaidShop(): Promise<PaidShop> {
  const world = await startLocalWorld();
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
  const closing: (() => void)[] = [];
  const listen = async (fetch: (request: Request, bindings: HttpBindings) => unknown) =>
    await new Promise<string>((resolve) => {
      const server = serve(
        { fetch: fetch as Hono["fetch"], hostname: "127.0.0.1", port: 0 },
        ({ port }) => resolve(`http://127.0.0.1:${port}`),
      );
      closing.push(() => {
        server.close();
        if ("closeAllConnections" in server) server.closeAllConnections();
      });
    });
  const facilitatorApp = createFacilitatorApp(facilitator, { onError: console.error });
  const paid = paywall({
    facilitator: await listen((request) => facilitatorApp.fetch(request)),
    schemes: [exactEvm()],
    network: world.network,
    payTo: world.accounts.payee.address,
  });
  const app = new Hono();
  app.get("/cent", paid("$0.01"), (c) => c.json({ report: "worth a cent" }));
  app.get("/thirty", paid("$0.30"), (c) => c.text("worth thirty cents"));
  app.get("/free", (c) => c.text("free"));

  const payments: string[] = [];
  let lost = 0;
  let held = Promise.resolve();
  const url = await listen(async (request, { incoming }) => {
    const payment = request.headers.get("PAYMENT-SIGNATURE");
    const response = await app.fetch(request);
    if (payment === null) return response;
    payments.push(payment);
    await held;
    if (lost > 0) {
      lost -= 1;
      incoming.socket.destroy();
    }
    return response;
  });
  return {
    world,
    url,
    payments,
    loseReplies(count) {
      lost = count;
    },
    holdReplies() {
      let release = () => {};
      held = new Promise((resolve) => (release = resolve));
      return release;
    },
    async close() {
      for (const close of closing) close();
      await world.stop();
    },
  };
}
