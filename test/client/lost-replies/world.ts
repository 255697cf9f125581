/** A chain, a facilitator and a site of ours, which sells to a payee of each run's own. */
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Hono, type Context } from "hono";
import { erc20Abi } from "../../../contracts-abi/erc20.ts";
import { createFacilitator, evmChain, type FacilitatorEngine } from "../../../facilitator/index.ts";
import { paywall } from "../../../src/adapters/hono.ts";
import { exactEvmFacilitator } from "../../../src/evm/facilitator.ts";
import { exactEvm } from "../../../src/evm/index.ts";
import { memoryLedger } from "../../../src/ledger/index.ts";
import { startLocalWorld, type LocalWorld } from "../../../src/testing/index.ts";
import { startSite, type App } from "../../interop/site.ts";

export type Address = `0x${string}`;

/** $0.01, in atomic units of the token and in millionths. */
export const CENT = 10_000;

export interface LostWorld {
  readonly chain: LocalWorld;
  readonly facilitator: FacilitatorEngine;
  /** Port of the site. */
  readonly port: number;
  /** Serves until the world stops. */
  site(app: App): Promise<number>;
  /** What each payee got, in lower case, when nothing is on its way any more. */
  debits(): Promise<ReadonlyMap<string, bigint[]>>;
  stop(): Promise<void>;
}

/** Path of a purchase; the run makes the payee. */
export const pathOf = (
  {
    identifier,
    settle,
    stream,
    size,
  }: { identifier: boolean; settle: string; stream: boolean; size: number },
  run: string,
): string => {
  const shape = stream ? "stream" : "whole";
  return `/${identifier ? "named" : "plain"}/${settle}/${shape}/${size}/${run}`;
};

const hash = (text: string | Uint8Array): Buffer => createHash("sha256").update(text).digest();
export const payeeOf = (run: string): Address =>
  `0x${hash(`payee ${run}`).subarray(0, 20).toString("hex")}`;

/** The same bytes for the same run and the same body. */
export function contentOf(run: string, size: number, sent: Uint8Array): Uint8Array<ArrayBuffer> {
  const content = new Uint8Array(size);
  const seed = hash(Buffer.concat([Buffer.from(`content ${run} `), sent]));
  for (let at = 0; at < size; at++) content[at] = seed[at % 31]! ^ (at >> 5);
  return content;
}

export async function startLostWorld(): Promise<LostWorld> {
  // Mined by the clock: what overtakes another on its way to a chain that mines on demand waits to be sent again.
  const chain = await startLocalWorld({ blockTimeSeconds: 0.05 });
  const engine = createFacilitator({
    schemes: [exactEvmFacilitator()],
    ledger: memoryLedger(),
    chains: [
      evmChain({
        network: chain.network,
        rpcUrls: [chain.rpcUrl],
        signers: [chain.accounts.facilitator.account],
      }),
    ],
  });
  const settling = new Set<symbol>();
  const facilitator: FacilitatorEngine = {
    ...engine,
    async settle(...args) {
      const call = Symbol("settle");
      settling.add(call);
      return await engine.settle(...args).finally(() => settling.delete(call));
    },
  };
  const sites: { close(): Promise<void> }[] = [];
  const site = async (app: App): Promise<number> => {
    const served = await startSite(app);
    sites.push(served);
    return Number(new URL(served.url).port);
  };
  return {
    chain,
    facilitator,
    port: await site(shop(chain, facilitator)),
    site,
    async debits() {
      do await sleep(500);
      while (settling.size > 0);
      return await debitsOf(chain);
    },
    async stop() {
      await Promise.all(sites.map((served) => served.close()));
      await facilitator.close();
      await chain.stop();
    },
  };
}

const runOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

function shop(chain: LocalWorld, facilitator: FacilitatorEngine): Hono {
  const app = new Hono();
  // Requests that break off in their body are nothing to print.
  app.onError((_, c) => c.text("failed", 500));
  for (const [prefix, paymentIdentifier] of [
    ["named", "required"],
    ["plain", "off"],
  ] as const) {
    const paid = paywall({
      facilitator,
      schemes: [exactEvm()],
      network: chain.network,
      paymentIdentifier,
      maxStoredBytes: 4 * 1024 * 1024,
      payTo: ({ url }) => payeeOf(runOf(new URL(url).pathname)),
    });
    for (const settle of ["before", "after"] as const)
      app.on(
        ["GET", "POST"],
        `/${prefix}/${settle}/:shape/:size/:run`,
        paid("$0.01", { settle }),
        deliver,
      );
  }
  return app;
}

async function deliver(c: Context): Promise<Response> {
  const { shape, size, run } = c.req.param() as Record<"shape" | "size" | "run", string>;
  const sent = new Uint8Array(await c.req.arrayBuffer());
  const content = contentOf(run, Number(size), sent);
  if (shape === "whole") return c.body(content);
  let at = 0;
  const step = Math.max(1, Math.ceil(content.length / 6));
  return c.body(
    new ReadableStream({
      async pull(controller) {
        await sleep(2);
        if (at >= content.length) return controller.close();
        controller.enqueue(content.slice(at, at + step));
        at += step;
      },
    }),
  );
}

async function debitsOf(chain: LocalWorld): Promise<ReadonlyMap<string, bigint[]>> {
  const logs = await chain.client.getContractEvents({
    address: chain.token,
    abi: erc20Abi,
    eventName: "Transfer",
    fromBlock: 0n,
    strict: true,
  });
  const debits = new Map<string, bigint[]>();
  for (const { args } of logs) {
    const to = args.to.toLowerCase();
    debits.set(to, [...(debits.get(to) ?? []), args.value]);
  }
  return debits;
}
