/** Publishers in processes of their own, with one Redis, one facilitator and one chain. */
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { encodeHeader } from "../../src/core/header.ts";
import type { PaymentRequirements } from "../../src/core/messages.ts";
import { startInteropWorld, type InteropWorld } from "../interop/world.ts";
import { requirementsOf, signedRequest } from "../setup/payments.ts";
import { startRedis } from "../setup/redis.ts";
import { bundleProgram, startScript, type Script } from "../setup/script.ts";
import type { ShopConfig } from "./shop.ts";

export interface PublisherWorld {
  readonly chain: InteropWorld["chain"];
  readonly facilitatorUrl: string;
  /** A shop that nobody has seen: its own payee and keys. */
  newShop(config?: Partial<ShopConfig>): Shop;
  stop(): Promise<void>;
}

export interface Shop {
  /** Starts a server of this shop. */
  start(config?: Partial<ShopConfig>): Promise<Server>;
  /** A payment header for this shop's cent. */
  newPayment(flow?: "upfront"): Promise<string>;
  /** How often a handler ran, on all servers. */
  runs(): Promise<number>;
  steps(): Promise<string[]>;
  /** Transfers to the payee on the chain. */
  transfers(): Promise<number>;
}

export interface Server extends Script {
  readonly url: string;
}

const PRICE = "$0.01";

export async function startPublisherWorld(): Promise<PublisherWorld> {
  const [world, redis, file] = await Promise.all([
    startInteropWorld(),
    startRedis(),
    bundleProgram(new URL("shop.ts", import.meta.url)),
  ]);
  const client = new Redis(redis.url);
  const servers = new Set<Server>();

  function newShop(defaults: Partial<ShopConfig> = {}): Shop {
    const payTo = world.chain.newAccount().address;
    const prefix = randomBytes(8).toString("hex");
    const requirements: PaymentRequirements = requirementsOf(PRICE, payTo);
    return {
      async start(config = {}) {
        const all: ShopConfig = {
          redisUrl: redis.url,
          facilitatorUrl: world.facilitatorUrl,
          payTo,
          prefix,
          leaseMs: 600,
          ...defaults,
          ...config,
        };
        const script = await startScript(file, { SHOP: JSON.stringify(all) });
        const server = { ...script, url: script.line };
        servers.add(server);
        return server;
      },
      async newPayment(flow) {
        const { payer } = await world.parties();
        const extra = { ...requirements.extra, ...(flow && { paymentFlow: flow }) };
        const { paymentPayload } = await signedRequest(payer.account, { ...requirements, extra });
        return encodeHeader(paymentPayload);
      },
      runs: async () => Number(await client.get(`${prefix}:runs`)),
      steps: () => client.lrange(`${prefix}:steps`, 0, -1),
      transfers: async () => (await world.chain.transfersTo(payTo)).length,
    };
  }

  return {
    chain: world.chain,
    facilitatorUrl: world.facilitatorUrl,
    newShop,
    async stop() {
      await Promise.all([...servers].map((server) => server.kill()));
      client.disconnect();
      await redis.stop();
      await world.stop();
    },
  };
}

export interface Reply {
  readonly status: number;
  readonly text: string;
  readonly receipt: string | null;
}

/** Presents a payment once; nothing when the server went away. */
export async function present(
  { url }: { readonly url: string },
  path: "/report" | "/order",
  payment: string,
): Promise<Reply | undefined> {
  try {
    const response = await fetch(url + path, {
      method: path === "/order" ? "POST" : "GET",
      headers: { "PAYMENT-SIGNATURE": payment },
    });
    const text = await response.text();
    return { status: response.status, text, receipt: response.headers.get("PAYMENT-RESPONSE") };
  } catch {
    return undefined;
  }
}

/** Presents the same payment until there is a final answer. */
export async function presentUntilFinal(
  server: Server,
  path: "/report" | "/order",
  payment: string,
): Promise<Reply> {
  const deadline = Date.now() + 15_000;
  for (;;) {
    const reply = await present(server, path, payment);
    const again = reply === undefined || reply.status === 503 || isInFlight(reply);
    if (!again) return reply;
    if (Date.now() > deadline) throw new Error(`no final answer: ${JSON.stringify(reply)}`);
    await sleep(100);
  }
}

function isInFlight({ status, text }: Reply): boolean {
  return status === 409 && text.includes("payment_in_flight");
}
