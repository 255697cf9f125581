/**
 * A buyer as a process of its own, with a spend store that outlives it; run by `restarts.test.ts`. Kills itself with
 * SIGKILL at a step when told to. Prints its process id, then its steps, then what came of the call.
 */
import { writeSync } from "node:fs";
import { Redis } from "ioredis";
import { privateKeyToAccount } from "viem/accounts";
import { fileSpendStore } from "../../../src/client/file-spend-store.ts";
import { spendPolicy, wrapFetchWithPayment, type SpendStore } from "../../../src/client/index.ts";
import { redisSpendStore } from "../../../src/client/redis-spend-store.ts";
import { exactEvm } from "../../../src/evm/index.ts";
import { redisLedgerOptions } from "../../../src/ledger/redis-options.ts";
import { callUntilAnswered } from "./call.ts";

export interface BuyerConfig {
  readonly store: { readonly file: string } | { readonly redis: string; readonly wallet: string };
  readonly leaseMs: number;
  readonly agent?: string;
  readonly key: `0x${string}`;
  readonly url: string;
  /** Of a POST. */
  readonly body?: string;
  readonly timeoutMs: number;
  /** Dies at this step; see `Outcome.steps`. */
  readonly killAt?: string;
}

export interface Outcome {
  /** Base64 of what was delivered. */
  readonly delivered?: string;
  readonly story: readonly string[];
  readonly counted: number;
  readonly states: readonly string[];
  readonly nonces: readonly string[];
}

const config = JSON.parse(process.env["BUYER"] ?? "") as BuyerConfig;
process.stdin.on("end", () => process.exit()).resume();
writeSync(1, `${process.pid}\n`);

const seen = new Map<string, number>();
async function step(name: string): Promise<void> {
  const nth = (seen.get(name) ?? 0) + 1;
  seen.set(name, nth);
  writeSync(1, `step ${name} ${nth}\n`);
  if (config.killAt !== `${name} ${nth}`) return;
  process.kill(process.pid, "SIGKILL");
  await new Promise(() => undefined);
}

const { store: where, leaseMs } = config;
const kept: SpendStore =
  "file" in where
    ? fileSpendStore(where.file, { leaseMs })
    : redisSpendStore(new Redis(where.redis, redisLedgerOptions), {
        wallet: where.wallet,
        leaseMs,
      });

const store: SpendStore = {
  ...kept,
  async take(...args) {
    await step("before take");
    return await kept.take(...args);
  },
  async reserve(...args) {
    await step("before reserve");
    const refusal = await kept.reserve(...args);
    await step("after reserve");
    return refusal;
  },
  async update(id, change) {
    const what = change.state ?? "lease";
    await step(`before ${what}`);
    const made = await kept.update(id, change);
    await step(`after ${what}`);
    return made;
  },
};

const account = privateKeyToAccount(config.key);
const nonces: string[] = [];
const signer = {
  address: account.address,
  async signTypedData(typedData: Parameters<typeof account.signTypedData>[0]) {
    nonces.push((typedData.message as { nonce: string }).nonce);
    await step("before signature");
    const signature = await account.signTypedData(typedData);
    await step("after signature");
    return signature;
  },
};

const stepping: typeof fetch = async (input, init) => {
  const paid = new Headers(init?.headers).has("PAYMENT-SIGNATURE") ? "paid" : "unpaid";
  await step(`before ${paid} request`);
  const sent = fetch(input, init);
  // Written, or about to be; the answer is not here yet.
  setImmediate(() => void step(`during ${paid} request`));
  const response = await sent;
  await step(`after ${paid} head`);
  if (response.body === null || paid === "unpaid") return response;
  const body = response.body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      async transform(chunk, controller) {
        await step("chunk");
        controller.enqueue(chunk);
      },
      flush: () => step("last chunk"),
    }),
  );
  const { status, headers } = response;
  return new Response(body, { status, headers });
};

const pay = wrapFetchWithPayment(stepping, {
  schemes: [exactEvm({ account: signer as never })],
  store,
  policy: spendPolicy({ budgets: [{ limit: "$1" }] }),
  retry: { attempts: 3, timeoutMs: config.timeoutMs, maxWaitMs: 1500 },
  ...(config.agent !== undefined && { agent: config.agent }),
});
const init = config.body === undefined ? {} : { method: "POST", body: config.body };
const { bytes, story } = await callUntilAnswered(() => pay(config.url, init));
const outcome: Outcome = {
  ...(bytes && { delivered: Buffer.from(bytes).toString("base64") }),
  story,
  counted: await kept.spent("total", "USD", Date.now()),
  states: (await kept.list()).map(({ state }) => state),
  nonces,
};
writeSync(1, `outcome ${JSON.stringify(outcome)}\n`);
await kept.close?.();
process.exit(0);
