/** Servers of the reference deliver once, and cannot be asked again: there a call is debited at most once. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { HTTPFacilitatorClient } from "@x402/core/server";
import { ExactEvmScheme } from "@x402/evm/exact/server";
import { paymentMiddleware as expressMiddleware } from "@x402/express";
import { paymentMiddleware as honoMiddleware, x402ResourceServer } from "@x402/hono";
import express from "express";
import { Hono } from "hono";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createFacilitatorApp } from "../../facilitator/index.ts";
import { LONG } from "../fault/world.ts";
import { inParallel, runOnce, type Run } from "../client/lost-replies/run.ts";
import {
  contentOf,
  payeeOf,
  startLostWorld,
  type LostWorld,
} from "../client/lost-replies/world.ts";

const RUNS = LONG ? 300 : 40;
const SEED = Number(process.env["FAULT_SEED"] ?? Date.now() % 1_000_000);

let world: LostWorld;
let facilitatorUrl: string;
const ports: Record<string, number> = {};
const stops: (() => void)[] = [];
beforeAll(async () => {
  // Theirs print every payment that they cannot read.
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
  world = await startLostWorld();
  facilitatorUrl = `http://127.0.0.1:${await world.site(createFacilitatorApp(world.facilitator))}`;
  ports["@x402/hono"] = await world.site(honoSite());
  ports["@x402/express"] = await expressSite();
}, 60_000);
afterAll(async () => {
  for (const stop of stops) stop();
  await world.stop();
});

type Asked = { readonly adapter: { getPath(): string } };

function official() {
  const server = new x402ResourceServer(
    new HTTPFacilitatorClient({ url: facilitatorUrl }),
  ).register(world.chain.network, new ExactEvmScheme());
  const accepts = {
    scheme: "exact",
    price: "$0.01",
    network: world.chain.network,
    payTo: ({ adapter }: Asked) => payeeOf(adapter.getPath().split("/").at(-1)!),
  } as const;
  const upfront = { ...accepts, extra: { paymentFlow: "upfront" } };
  const routes = {
    "GET /after/*": { accepts },
    "POST /after/*": { accepts },
    "GET /before/*": { accepts: upfront },
    "POST /before/*": { accepts: upfront },
  };
  return { server, routes };
}

function honoSite(): Hono {
  const { server, routes } = official();
  const app = new Hono();
  app.onError((_, c) => c.text("failed", 500));
  app.use(honoMiddleware(routes, server));
  app.on(["GET", "POST"], "/:settle/:size/:run", async (c) => {
    const { size, run } = c.req.param();
    return c.body(contentOf(run, Number(size), new Uint8Array(await c.req.arrayBuffer())));
  });
  return app;
}

async function expressSite(): Promise<number> {
  const { server, routes } = official();
  const app = express();
  app.use(expressMiddleware(routes, server));
  app.use(express.raw({ type: () => true }));
  app.all("/:settle/:size/:run", ({ params, body }, response) => {
    const sent = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
    response.end(contentOf(params.run, Number(params.size), sent));
  });
  app.use((_error: unknown, _: unknown, response: express.Response, _next: unknown) => {
    response.status(500).end("failed");
  });
  const http = createServer(app);
  stops.push(() => {
    http.close();
    http.closeAllConnections();
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  return (http.address() as AddressInfo).port;
}

test.each(["@x402/hono", "@x402/express"])(
  `%s: ${RUNS} runs (FAULT_SEED=${SEED}): no call is debited twice, and none says less than it knows`,
  async (name) => {
    const site = {
      port: ports[name]!,
      path: ({ settle, size }: { settle: string; size: number }, run: string) =>
        `/${settle}/${size}/${run}`,
    };
    const offset = name === "@x402/hono" ? 2000 : 3000;
    const runs = await inParallel(RUNS, 30, (index) =>
      runOnce(world, SEED * 10_000 + offset + index, site),
    );
    const debits = await world.debits();
    const found = runs.flatMap((run) => {
      const what = violations(run, debits.get(run.calls[0]!.payee)?.length ?? 0);
      return what.length === 0 ? [] : [`${what.join("; ")} ${JSON.stringify(run)}`];
    });
    const lost = runs.filter(({ calls }) => calls.at(-1)!.delivered === "nothing").length;
    expect(found.slice(0, 10), `${found.length} of ${RUNS}, ${lost} without content`).toEqual([]);
  },
  LONG ? 300_000 : 60_000,
);

function violations({ calls, signed, counted }: Run, debits: number): string[] {
  const found: string[] = [];
  const check = (holds: boolean, what: string) => void (holds || found.push(what));
  const delivered = calls.filter((call) => call.delivered !== "nothing").length;
  check(!calls.some((call) => call.delivered === "other"), "delivered: other bytes");
  check(debits <= calls.length, `O2: ${debits} debits for ${calls.length} calls`);
  check(delivered <= debits, `O1: ${debits} debits, ${delivered} deliveries`);
  check(signed <= calls.length, `${signed} nonces for ${calls.length} calls`);
  if (counted !== undefined) check(counted === signed * 10_000, `budget: ${counted}`);
  for (const call of calls) {
    const isTold = /^Payment(Uncertain|Rejected|Refused)$/.test(call.error ?? "");
    if (debits > delivered && call.delivered === "nothing") check(isTold, "lost without a word");
  }
  return found;
}
