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
import type { Prepare, Subject } from "./protocol.ts";

/** The engine of this repository with its defaults, over memory or Redis. */
export function ours({ rpcUrl, redisUrl, recovery, lane }: Prepare): Subject {
  const chain = evmChain({
    network: NETWORK,
    rpcUrls: [rpcUrl],
    signers: [namedAccount("facilitator").account],
    ...lane,
  });
  const ledger = redisUrl === undefined ? memoryLedger() : redisLedger(connectRedis(redisUrl));
  const failures: Record<string, number> = {};
  const facilitator = createFacilitator({
    schemes: [exactEvmFacilitator(recovery === "native" ? { recover: recoverNatively } : {})],
    ledger,
    chains: [chain],
    observe(event) {
      if (event.type === "failed") {
        const what = `${event.step}: ${String(event.error).slice(0, 120)}`;
        failures[what] = (failures[what] ?? 0) + 1;
      } else if (event.type !== "sent" && event.type !== "mined") {
        failures[event.type] = (failures[event.type] ?? 0) + 1;
      }
    },
  });
  facilitator.start();
  return {
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
    async close() {
      await facilitator.close(5000);
      await ledger.close();
    },
  };
}
