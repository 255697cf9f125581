/**
 * A facilitator as a process of its own, to be killed, stopped and started again. Run by `startReplica` in `world.ts`,
 * which says in `REPLICA` what it shall be. Prints JSON lines: where it listens, and what its lanes do.
 */
import { writeSync } from "node:fs";
import { serve } from "@hono/node-server";
import { privateKeyToAccount } from "viem/accounts";
import { createFacilitatorApp } from "../../facilitator/app.ts";
import { createFacilitator } from "../../facilitator/engine.ts";
import { evmChain, type EvmChainOptions } from "../../facilitator/settlement-chain.ts";
import type { SettlementEvent, Step } from "../../facilitator/settlement/options.ts";
import type { Hex } from "../../src/core/scheme.ts";
import { exactEvmFacilitator } from "../../src/evm/facilitator.ts";
import { connectRedis } from "../../src/ledger/connect-redis.ts";
import { redisLedger } from "../../src/ledger/redis.ts";

export interface ReplicaConfig {
  readonly redisUrl: string;
  readonly signerKeys: readonly Hex[];
  readonly chain: Omit<EvmChainOptions, "signers" | "confirmations"> & {
    readonly confirmations?: number | "finalized";
  };
  readonly settleTimeoutMs?: number;
  readonly holdMs?: number;
  /** The process ends itself with SIGKILL when it comes to this step for the so-many-eth time (default: the first). */
  readonly killAt?: Step;
  readonly killNth?: number;
  /** The process halts itself with SIGSTOP when it first comes to this step, until it is sent SIGCONT. */
  readonly stopAt?: Step;
  /** So many claims are held back until all of them are made: they make one batch. */
  readonly gather?: number;
}

/** One line of a replica's output. */
export type ReplicaLine =
  | { readonly type: "listening"; readonly url: string }
  | { readonly type: "error"; readonly error: string }
  | { readonly type: "step"; readonly step: Step }
  | SettlementEvent;

const config = JSON.parse(process.env["REPLICA"] ?? "") as ReplicaConfig;

const print = (line: ReplicaLine): void => {
  writeSync(1, `${JSON.stringify(line)}\n`);
};
const text = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);

let claims = 0;
let claimed!: () => void;
const gathered = new Promise<void>((resolve) => (claimed = resolve));
const reached = new Map<Step, number>();

/** Dies where it shall. What comes after that in this process would be a mistake of the test: it waits for its death. */
async function step(name: Step): Promise<void> {
  const { killAt, killNth = 1, stopAt, gather = 1 } = config;
  const times = (reached.get(name) ?? 0) + 1;
  reached.set(name, times);
  if (name === "claimed" && claims < gather) {
    claims += 1;
    if (claims === gather) claimed();
    await gathered;
  }
  if (name === stopAt && times === 1) {
    print({ type: "step", step: name });
    process.kill(process.pid, "SIGSTOP");
  }
  if (name !== killAt || times < killNth) return;
  print({ type: "step", step: name });
  process.kill(process.pid, "SIGKILL");
  await new Promise(() => undefined);
}

const ledger = redisLedger(connectRedis(config.redisUrl));
const facilitator = createFacilitator({
  schemes: [exactEvmFacilitator()],
  ledger,
  chains: [
    evmChain({
      ...config.chain,
      signers: config.signerKeys.map((key) => privateKeyToAccount(key)),
    }),
  ],
  ...(config.settleTimeoutMs !== undefined && { settleTimeoutMs: config.settleTimeoutMs }),
  ...(config.holdMs !== undefined && { holdMs: config.holdMs }),
  observe: (event) =>
    print(event.type === "failed" ? { ...event, error: text(event.error) } : event),
  step,
});
facilitator.start();

const app = createFacilitatorApp(facilitator, {
  check: () => facilitator.check(),
  onError: (error) => print({ type: "error", error: text(error) }),
});
const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 }, ({ port }) =>
  print({ type: "listening", url: `http://127.0.0.1:${port}` }),
);

/** As the service ends: nothing new is taken, what is in flight gets its answer, the lanes are given back. */
async function end(): Promise<void> {
  const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
  if ("closeIdleConnections" in server) server.closeIdleConnections();
  await closed;
  await facilitator.close();
  await ledger.close();
}

process.once("SIGTERM", () => void end().then(() => process.exit(0)));
process.stdin.resume().once("close", () => process.exit(1));
