import { createFacilitator, evmChain } from "../../facilitator/index.ts";
import type { EvmRpcChain } from "../../facilitator/rpc/evm-chain.ts";
import type { FacilitatorRequest } from "../../src/core/messages.ts";
import { exactEvmFacilitator } from "../../src/evm/facilitator.ts";
import { connectRedis } from "../../src/ledger/connect-redis.ts";
import { memoryLedger } from "../../src/ledger/index.ts";
import { redisLedger } from "../../src/ledger/redis.ts";
import { namedAccount } from "../../src/testing/index.ts";
import { recoverNatively } from "../native-recover.ts";
import { NETWORK } from "./payments.ts";
import { nowMs, type Prepare, type Subject } from "./protocol.ts";

/** The engine of this repository with its defaults, over memory or Redis. */
export function ours({ rpcUrl, redisUrl, recovery, lane, websocket }: Prepare): Subject {
  const chain = evmChain({
    network: NETWORK,
    rpcUrls: [rpcUrl, ...(websocket ? [rpcUrl.replace(/^http/, "ws")] : [])],
    signers: [namedAccount("facilitator").account],
    ...lane,
  });
  const ledger = redisUrl === undefined ? memoryLedger() : redisLedger(connectRedis(redisUrl));
  const failures: Record<string, number> = {};
  const stages = stopwatch();
  let onLease = (): void => undefined;
  const facilitator = createFacilitator({
    schemes: [exactEvmFacilitator(recovery === "native" ? { recover: recoverNatively } : {})],
    ledger,
    chains: [chain],
    step: stages.step,
    observe(event) {
      if (event.type === "failed") {
        const what = `${event.step}: ${String(event.error).slice(0, 120)}`;
        failures[what] = (failures[what] ?? 0) + 1;
      } else if (event.type === "lane_acquired") {
        onLease();
      } else if (event.type !== "sent" && event.type !== "mined") {
        failures[event.type] = (failures[event.type] ?? 0) + 1;
      }
    },
  });
  return {
    async ready() {
      await facilitator.check();
      const leased = new Promise<void>((resolve) => (onLease = resolve));
      facilitator.start();
      await leased;
    },
    settle: async (text) => await facilitator.settle(JSON.parse(text) as FacilitatorRequest),
    rpc() {
      const [stats] = (chain.chain as EvmRpcChain).stats();
      const methods = Object.entries(stats?.methods ?? {});
      return {
        calls: Object.fromEntries(methods.map(([name, { calls }]) => [name, calls])),
        httpRequests: stats?.httpRequests ?? 0,
      };
    },
    events: () => failures,
    stages: stages.take,
    async close() {
      await facilitator.close(5000);
      await ledger.close();
    },
  };
}

/** With one signer its transactions are signed and sent one after the other, so that times between the steps add up. */
const STEPS: ReadonlySet<string> = new Set(["signed", "recorded", "marked", "broadcast"]);

function stopwatch() {
  let lastMs = nowMs();
  let taken = new Map<string, { ms: number; count: number }>();
  return {
    step(step: string): void {
      if (!STEPS.has(step)) return;
      const now = nowMs();
      const { ms, count } = taken.get(step) ?? { ms: 0, count: 0 };
      taken.set(step, { ms: ms + now - lastMs, count: count + 1 });
      lastMs = now;
    },
    take(): Record<string, number> {
      const means = [...taken].map(([name, { ms, count }]) => [name, ms / count]);
      taken = new Map();
      return Object.fromEntries(means) as Record<string, number>;
    },
  };
}
