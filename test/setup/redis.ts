import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export interface TestRedis {
  readonly url: string;
  readonly port: number;
  /** Of the process that runs now, or ran last. */
  readonly pid: number;
  /** Ends the server as `kill -9` does; its port and folder stay for `restart`. */
  kill(): Promise<void>;
  /** Kills the server if it runs, and starts it with the same port, folder and arguments. Empty unless it persists. */
  restart(): Promise<void>;
  /** The server stops answering, but its connections stay open. `resume` ends it. */
  pause(): void;
  resume(): void;
  /** Kills the server and removes its folder. May be called twice. */
  stop(): Promise<void>;
}

export interface TestRedisOptions {
  readonly args?: readonly string[];
  /** `aof`: every write is on disk before it is answered, and survives `kill` and `restart`. Default: nothing does. */
  readonly persistence?: "aof";
}

/** Starts a real `redis-server` on a free port of the loopback interface, and waits until it answers. */
export async function startRedis(options: TestRedisOptions = {}): Promise<TestRedis> {
  const folder = mkdtempSync(join(tmpdir(), "farthing-redis-"));
  const args = [
    "--bind",
    "127.0.0.1",
    "--dir",
    folder,
    "--save",
    "",
    ...(options.persistence === "aof"
      ? ["--appendonly", "yes", "--appendfsync", "always"]
      : ["--appendonly", "no"]),
    ...(options.args ?? []),
  ];
  let child: ChildProcess | undefined;
  let port = 0;

  const start = async (): Promise<void> => {
    child = await launch([...args, "--port", String(port)], port);
  };
  const kill = async (): Promise<void> => {
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      const exited = new Promise((resolve) => child?.once("exit", resolve));
      child.kill("SIGKILL");
      await exited;
    }
  };
  const stop = async (): Promise<void> => {
    await kill();
    process.off("exit", onExit);
    rmSync(folder, { recursive: true, force: true });
  };
  const onExit = (): void => {
    child?.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  };
  process.on("exit", onExit);

  for (let attempt = 1; ; attempt++) {
    port = await freePort();
    try {
      await start();
      break;
    } catch (error) {
      // Somebody else may have taken the port in the meantime.
      if (attempt < 5) continue;
      await stop();
      throw error;
    }
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    get pid() {
      return child?.pid ?? 0;
    },
    kill,
    restart: async () => {
      await kill();
      await start();
    },
    pause: () => void child?.kill("SIGSTOP"),
    resume: () => void child?.kill("SIGCONT"),
    stop,
  };
}

async function launch(args: readonly string[], port: number): Promise<ChildProcess> {
  const child = spawn(process.env["REDIS_SERVER"] ?? "redis-server", args, {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const failures: Error[] = [];
  const keep = (chunk: Buffer): void => {
    output = (output + String(chunk)).slice(-2_000);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  child.once("error", (error) => failures.push(error));
  child.once("exit", () => failures.push(new Error(`redis-server ended: ${output}`)));
  for (
    const deadline = Date.now() + 10_000;
    Date.now() < deadline && failures.length === 0;
    await sleep(10)
  ) {
    if (await answersPing(port)) {
      await sleep(0);
      if (failures.length === 0) return child;
    }
  }
  child.kill("SIGKILL");
  throw failures[0] ?? new Error(`redis-server does not answer: ${output}`);
}

function answersPing(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port, timeout: 1_000 });
    const done = (answers: boolean): void => {
      socket.destroy();
      resolve(answers);
    };
    socket.once("connect", () => socket.write("PING\r\n"));
    socket.once("data", (data) => done(/^(\+PONG|-NOAUTH|-NOPERM)/.test(String(data))));
    socket.once("timeout", () => done(false));
    socket.once("error", () => done(false));
    socket.once("close", () => done(false));
  });
}

/** A port of the loopback interface that nobody uses right now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
