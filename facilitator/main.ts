/** The hosted service: the same engine and app as everywhere, put together from a configuration. */
import { serve } from "@hono/node-server";
import { pino, type Logger } from "pino";
import { privateKeyToAccount } from "viem/accounts";
import { exactEvmFacilitator, uptoEvmFacilitator } from "../src/evm/facilitator.ts";
import { evmChainId } from "../src/core/network.ts";
import { connectRedis } from "../src/ledger/connect-redis.ts";
import type { Ledger } from "../src/ledger/ledger.ts";
import { memoryLedger } from "../src/ledger/memory.ts";
import { redisLedger } from "../src/ledger/redis.ts";
import { createFacilitatorApp } from "./app.ts";
import { ConfigError, type FacilitatorConfig } from "./config.ts";
import { createFacilitator } from "./engine.ts";
import { evmChain, type SettlementChain } from "./settlement-chain.ts";
import type { SettlementEvent } from "./settlement/options.ts";

export interface FacilitatorService {
  readonly url: string;
  /** Stops taking requests, waits for what is in flight, closes the ledger. */
  close(): Promise<void>;
}

/**
 * Starts the service and waits until it can do its work.
 *
 * @throws ConfigError when a chain or the ledger cannot be used as configured.
 */
export async function startFacilitator(
  config: FacilitatorConfig,
  log = createLog(config),
): Promise<FacilitatorService> {
  const { erc6492Factories = [], erc7710Managers = [], walletGasBudget } = config;
  const chains = config.networks.map(({ network, rpcUrls, privateKeys }) =>
    evmChain({
      network,
      rpcUrls,
      signers: privateKeys.map((key) => privateKeyToAccount(key)),
      ...(walletGasBudget !== undefined && { walletGasBudget }),
    }),
  );
  const ledger = openLedger(config, log);
  const facilitator = createFacilitator({
    schemes: [exactEvmFacilitator({ erc6492Factories, erc7710Managers }), uptoEvmFacilitator()],
    ledger,
    chains,
    ...(config.sponsoring && { sponsoring: config.sponsoring }),
    observe: (event) => logEvent(log, event),
  });
  try {
    await assertUsable(ledger, chains);
  } catch (error) {
    await ledger.close();
    throw error;
  }

  facilitator.start();
  const app = createFacilitatorApp(facilitator, {
    check: () => facilitator.check(),
    onError: (error) => log.error({ error: describeError(error) }, "request failed"),
  });
  const server = serve({ fetch: app.fetch, hostname: config.host, port: config.port });
  await new Promise<void>((resolve, reject) => {
    server.once("listening", resolve);
    server.once("error", reject);
  }).catch(async (cause: NodeJS.ErrnoException) => {
    await ledger.close();
    throw new ConfigError([
      `PORT ${config.port} on HOST ${config.host} cannot be listened on (${cause.code})`,
    ]);
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : config.port;
  const host = config.host.includes(":") ? `[${config.host}]` : config.host;
  return {
    url: `http://${host}:${port}`,
    async close() {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        if ("closeIdleConnections" in server) server.closeIdleConnections();
      });
      await facilitator.close();
      await ledger.close();
    },
  };
}

/** The service's log: JSON lines on standard error. */
export function createLog(config: Pick<FacilitatorConfig, "logLevel">): Logger {
  return pino({ level: config.logLevel, base: null }, pino.destination({ fd: 2, sync: true }));
}

function openLedger(config: FacilitatorConfig, log: Logger): Ledger {
  if (config.redisUrl !== undefined) {
    try {
      return redisLedger(connectRedis(config.redisUrl));
    } catch (error) {
      throw new ConfigError([`REDIS_URL cannot be used: ${(error as Error).message}`]);
    }
  }
  log.warn(
    "REDIS_URL is not set: payments are remembered in memory only, for one process and until it ends",
  );
  return memoryLedger();
}

async function assertUsable(ledger: Ledger, chains: readonly SettlementChain[]): Promise<void> {
  const problems = await Promise.all([
    ledger.check().then(
      () => undefined,
      (error: unknown) => `REDIS_URL ${error instanceof Error ? error.message : "cannot be used"}`,
    ),
    ...chains.map((chain) => problemOfChain(chain)),
  ]);
  const found = problems.filter((problem) => problem !== undefined);
  if (found.length > 0) throw new ConfigError(found);
}

async function problemOfChain({ chain }: SettlementChain): Promise<string | undefined> {
  const id = await chain.chainId().catch(() => undefined);
  if (id === undefined) return `EVM_RPC_URL of ${chain.network} does not answer`;
  if (id !== evmChainId(chain.network))
    return `EVM_RPC_URL of ${chain.network} is of another chain, eip155:${id}`;
  return undefined;
}

function logEvent(log: Logger, event: SettlementEvent): void {
  if (event.type === "failed") {
    const { lane, step, error } = event;
    log.warn({ lane, step, error: describeError(error) }, "settlement step failed");
  } else if (event.type === "sent" || event.type === "mined" || event.type === "resent") {
    log.debug(event, event.type);
  } else {
    const level = event.type === "lane_acquired" || event.type === "lane_resumed" ? "info" : "warn";
    log[level](event, event.type.replaceAll("_", " "));
  }
}

/** What may be logged of an error: codes and our own messages. What a library threw may hold RPC URLs with keys. */
function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { name: typeof error };
  const code = (error as { code?: unknown }).code;
  const own = error.name === "X402Error";
  return {
    name: error.name,
    ...(typeof code === "string" && { code }),
    ...(own && { message: error.message }),
  };
}
