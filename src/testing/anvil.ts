import { spawn, type ChildProcess } from "node:child_process";
import { anvilBinary } from "./anvil-binary.ts";

export type AnvilOptions = {
  /** TCP port; default 0, a free one chosen by the system. */
  readonly port?: number;
  /** Address to listen on; default 127.0.0.1. */
  readonly host?: string;
  /** Default 84532, Base Sepolia. */
  readonly chainId?: number;
  /**
   * A block every so many seconds (0.2 is fine), mined by anvil itself. Default: a block for every transaction. For a chain
   * that shall be reorganized use `setBlockTime` instead.
   */
  readonly blockTimeSeconds?: number;
  /** Further arguments for anvil, such as `["--prune-history"]`. */
  readonly args?: readonly string[];
};

export type Anvil = {
  readonly rpcUrl: string;
  readonly chainId: number;
  readonly pid: number;
  /** Ends anvil and resolves when it has exited. Calling it again does no harm. */
  stop(): Promise<void>;
};

const START_TIMEOUT_MS = 15_000;
const STOP_TIMEOUT_MS = 2_000;

/**
 * Starts an anvil of its own, with no accounts and no fork, and resolves once it answers.
 * anvil ends with this process, however this process ends, and never keeps it alive.
 *
 * @throws Error when anvil is not installed, or ends or stays silent instead of listening.
 */
export async function startAnvil(options: AnvilOptions = {}): Promise<Anvil> {
  const { port = 0, host = "127.0.0.1", chainId = 84532, blockTimeSeconds, args = [] } = options;
  const flags = ["--port", port, "--host", host, "--chain-id", chainId, "--accounts", 0];
  if (blockTimeSeconds !== undefined) flags.push("--block-time", blockTimeSeconds);
  const child = spawn(anvilBinary(), [...flags.map(String), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const killNow = (): void => void child.kill();
  process.on("exit", killNow);
  const unwatch = killWithParent(child);
  const exited = new Promise<void>((resolve) => {
    child.once("close", () => {
      process.off("exit", killNow);
      unwatch();
      resolve();
    });
  });

  try {
    const address = await listening(child);
    const rpcUrl = `http://${address.replace(/^0\.0\.0\.0:/, "127.0.0.1:")}`;
    await silenceLog(rpcUrl);
    letProcessEnd(child);
    return {
      rpcUrl,
      chainId,
      pid: child.pid!,
      async stop() {
        child.ref();
        child.kill(); // anvil removes its temporary files
        const impatience = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
        await exited;
        clearTimeout(impatience);
      },
    };
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
}

/** Resolves with `host:port` when anvil says that it listens. */
function listening(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = "";
    const fail = (why: string): void =>
      reject(new Error(`anvil ${why}${output === "" ? "" : `: ${output.trim().slice(-500)}`}`));
    const timer = setTimeout(fail, START_TIMEOUT_MS, `did not listen in ${START_TIMEOUT_MS} ms`);
    const read = (chunk: Buffer): void => {
      output += chunk.toString();
      const address = /Listening on (\S+)\s/.exec(output)?.[1];
      if (address === undefined) return;
      clearTimeout(timer);
      child.stdout?.off("data", read).resume();
      child.stderr?.off("data", read).resume();
      resolve(address);
    };
    child.stdout?.on("data", read);
    child.stderr?.on("data", read);
    child.once("error", (error) => (clearTimeout(timer), fail(error.message)));
    child.once("close", (code) => (clearTimeout(timer), fail(`exited with code ${code}`)));
  });
}

/** Stops anvil's log of every call, which costs time on both ends of the pipe. */
async function silenceLog(rpcUrl: string): Promise<void> {
  const call = { jsonrpc: "2.0", id: 1, method: "anvil_setLoggingEnabled", params: [false] };
  const headers = { "content-type": "application/json" };
  const answer = await fetch(rpcUrl, { method: "POST", headers, body: JSON.stringify(call) });
  await answer.arrayBuffer();
}

/** Neither anvil nor its pipes keep this process alive when the caller forgot `stop()`. */
function letProcessEnd(child: ChildProcess): void {
  child.unref();
  for (const pipe of [child.stdout, child.stderr]) (pipe as unknown as { unref(): void }).unref();
}

/**
 * An "exit" handler does not run when this process is killed by a signal. So a shell waits for its
 * standard input to close, which the system does whenever this process ends, and kills anvil then.
 * Returns a function that ends the shell. On Windows there is only the "exit" handler.
 */
function killWithParent(child: ChildProcess): () => void {
  if (process.platform === "win32" || child.pid === undefined) return () => {};
  const watcher = spawn(
    "/bin/sh",
    ["-c", `read _; kill ${child.pid}; sleep 2; kill -9 ${child.pid}`],
    {
      stdio: ["pipe", "ignore", "ignore"],
      detached: true,
    },
  );
  watcher.on("error", () => {});
  watcher.unref();
  (watcher.stdin as unknown as { unref(): void }).unref();
  return () => void watcher.kill("SIGKILL");
}
