/** Chains, stores and replicas to break, and payments to put through them. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { parseEther } from "viem";
import type { FacilitatorRequest, SettleResponse } from "../../src/core/messages.ts";
import type { Hex } from "../../src/core/scheme.ts";
import { startLocalWorld, type LocalWorld, type TestAccount } from "../../src/testing/index.ts";
import { requirementsOf, signedRequest } from "../setup/payments.ts";
import type { ReplicaConfig, ReplicaLine } from "./replica.ts";

/** The long form, for a machine with time: `npm run test:fault`. */
export const LONG = process.env["FAULT"] === "long";

export interface Replica {
  readonly url: string;
  readonly pid: number;
  /** Everything that it has printed, on standard output and error. */
  output(): string;
  lines(): ReplicaLine[];
  /** Sends a signal: SIGKILL, SIGSTOP, SIGCONT or SIGTERM. */
  signal(name: NodeJS.Signals): void;
  /** Resolves with the signal that ended it, or the exit code. */
  readonly ended: Promise<NodeJS.Signals | number | null>;
  running(): boolean;
}

let script: Promise<string> | undefined;

/** `replica.ts` for Node 20, which runs no TypeScript. Made once a process. */
async function replicaScript(): Promise<string> {
  const folder = fileURLToPath(new URL("../../node_modules/.cache/farthing/", import.meta.url));
  mkdirSync(folder, { recursive: true });
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("replica.ts", import.meta.url))],
    write: false,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    // Packages of CommonJS ask for Node's own modules.
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
    logLevel: "silent",
  });
  const { contents, hash } = outputFiles[0]!;
  const file = `${folder}replica-${hash.replaceAll(/\W/g, "")}.mjs`;
  writeFileSync(`${file}.${process.pid}`, contents);
  renameSync(`${file}.${process.pid}`, file);
  return file;
}

const children = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});

/** Starts a facilitator as a process of its own, and waits until it listens and has its ledger and chain. */
export async function startReplica(config: ReplicaConfig): Promise<Replica> {
  const child = spawn(process.execPath, [await (script ??= replicaScript())], {
    env: { PATH: process.env["PATH"], REPLICA: JSON.stringify(config) },
    // Its standard input ends with this process, however this one ends, and so does the replica.
    stdio: ["pipe", "pipe", "pipe"],
  });
  children.add(child);
  let output = "";
  const lines: ReplicaLine[] = [];
  let rest = "";
  const ended = new Promise<NodeJS.Signals | number | null>((resolve) => {
    child.once("close", (code, signal) => {
      children.delete(child);
      resolve(signal ?? code);
    });
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      const parts = (rest + chunk.toString()).split("\n");
      rest = parts.pop() ?? "";
      for (const part of parts) {
        const line = JSON.parse(part) as ReplicaLine;
        lines.push(line);
        if (line.type === "listening") resolve(line.url);
      }
    });
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    void ended.then((how) => reject(new Error(`the replica ended (${how}): ${output}`)));
  });
  const deadline = Date.now() + 20_000;
  while (!(await isHealthy(url)) && Date.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 50));
  return {
    url,
    pid: child.pid!,
    output: () => output,
    lines: () => lines,
    signal: (name) => void child.kill(name),
    ended,
    running: () => child.exitCode === null && child.signalCode === null,
  };
}

async function isHealthy(url: string): Promise<boolean> {
  return await fetch(`${url}/health`).then(
    ({ ok }) => ok,
    () => false,
  );
}

/** Ends replicas for good, whatever state they are in. */
export async function stopReplicas(replicas: Iterable<Replica>): Promise<void> {
  await Promise.all(
    [...replicas].map(async (replica) => {
      replica.signal("SIGKILL");
      await replica.ended;
    }),
  );
}

/** A signed payment and what became of it, as its payer sees it. */
export interface Payment {
  readonly payTo: Hex;
  readonly amount: bigint;
  readonly request: FacilitatorRequest;
  /** Its claimant's name; without one the claim is anonymous. */
  readonly key?: string;
  readonly answers: Answer[];
}

/** What came back for one request; status 0: nothing did. */
export interface Answer {
  readonly status: number;
  readonly body: Partial<SettleResponse> & { readonly code?: string };
  readonly text: string;
}

/** Payments of this payer, each to an address of its own, so that the chain tells them apart. */
export async function newPayment(
  world: LocalWorld,
  key?: string,
  payer: TestAccount = world.accounts.payer,
): Promise<Payment> {
  const payTo = world.newAccount().address;
  const request = await signedRequest(payer.account, requirementsOf("$0.01", payTo));
  return { payTo, amount: 10_000n, request, ...(key !== undefined && { key }), answers: [] };
}

/** Asks a replica once to settle; an answer that never comes is one, too. */
export async function ask(url: string, payment: Payment, key = payment.key): Promise<Answer> {
  let answer: Answer;
  try {
    const response = await fetch(`${url}/settle`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(key !== undefined && { "idempotency-key": key }),
      },
      body: JSON.stringify(payment.request),
      signal: AbortSignal.timeout(40_000),
    });
    const text = await response.text();
    answer = { status: response.status, body: JSON.parse(text) as Answer["body"], text };
  } catch {
    answer = { status: 0, body: {}, text: "" };
  }
  payment.answers.push(answer);
  return answer;
}

/** Whether an answer is the last word: not an error of the world, not `settlement_pending`. */
export const isFinal = ({ status, body }: Answer): boolean =>
  status === 200 && body.errorReason !== "settlement_pending";

/** Asks until there is a final answer, or the time is up; gives the last one. */
export async function askUntilFinal(
  url: () => string,
  payment: Payment,
  timeoutMs: number,
): Promise<Answer> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const answer = await ask(url(), payment);
    if (isFinal(answer) || Date.now() >= deadline) return answer;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Accounts that pay gas, with ether. */
export async function newSigners(world: LocalWorld, count: number): Promise<TestAccount[]> {
  const signers = Array.from({ length: count }, () => world.newAccount());
  await Promise.all(signers.map(({ address }) => world.fundEther(address, parseEther("10"))));
  return signers;
}

export { startLocalWorld, type LocalWorld };
