import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startLocalWorld, type LocalWorld } from "../../src/testing/index.ts";
import { FARTHING, farthing, start } from "../setup/command.ts";
import { requirementsOf, signedRequest } from "../setup/payments.ts";
import { startRedis } from "../setup/redis.ts";

let world: LocalWorld;
beforeAll(async () => {
  world = await startLocalWorld();
});
afterAll(() => world.stop());

const environment = () => ({
  PORT: "0",
  EVM_NETWORK: world.network,
  EVM_RPC_URL: world.rpcUrl,
  EVM_PRIVATE_KEY: world.accounts.facilitator.privateKey,
});

async function settleAt(url: string): Promise<unknown> {
  const requirements = requirementsOf("$0.01", world.accounts.payee.address);
  const response = await fetch(`${url}/settle`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(await signedRequest(world.accounts.payer.account, requirements)),
  });
  return await response.json();
}

describe("farthing facilitator", () => {
  test("listens, warns that it remembers in memory only, settles, and ends on SIGTERM", async () => {
    const service = start([FARTHING, "facilitator"], environment());
    const url = await service.seen(/Facilitator listening on (http:\S+)/);
    expect(await (await fetch(`${url}/health`)).json()).toEqual({ status: "ok" });
    expect(await settleAt(url)).toMatchObject({ success: true });
    service.child.kill("SIGTERM");
    const { code, stderr } = await service.ended;
    expect(code).toBe(0);
    expect(stderr).toContain("REDIS_URL is not set");
  });

  test("remembers in Redis across a restart", async () => {
    const redis = await startRedis();
    const env = { ...environment(), REDIS_URL: redis.url };
    const requirements = requirementsOf("$0.01", world.accounts.payee.address);
    const body = JSON.stringify(await signedRequest(world.accounts.payer.account, requirements));
    const headers = { "Content-Type": "application/json", "Idempotency-Key": "order-7" };
    const answers: unknown[] = [];
    for (let run = 0; run < 2; run++) {
      const service = start([FARTHING, "facilitator"], env);
      const url = await service.seen(/Facilitator listening on (http:\S+)/);
      const response = await fetch(`${url}/settle`, { method: "POST", headers, body });
      answers.push(await response.json());
      service.child.kill("SIGTERM");
      expect((await service.ended).code).toBe(0);
    }
    expect(answers[0]).toMatchObject({ success: true });
    expect(answers[1]).toEqual(answers[0]);
    await redis.stop();
  });

  test("takes several networks from a file, with secrets in variables", async () => {
    const folder = mkdtempSync(join(tmpdir(), "farthing-"));
    const file = join(folder, "config.json");
    writeFileSync(
      file,
      JSON.stringify({ networks: [{ network: world.network, rpcUrlEnv: "LOCAL_RPC_URL" }] }),
    );
    const { EVM_PRIVATE_KEY, EVM_RPC_URL } = environment();
    const service = start([FARTHING, "facilitator"], {
      PORT: "0",
      FARTHING_CONFIG: file,
      LOCAL_RPC_URL: EVM_RPC_URL,
      EVM_PRIVATE_KEY,
    });
    const url = await service.seen(/Facilitator listening on (http:\S+)/);
    expect(await settleAt(url)).toMatchObject({ success: true });
    service.child.kill("SIGTERM");
    await service.ended;
    rmSync(folder, { recursive: true });
  });

  test.each([
    { set: { EVM_PRIVATE_KEY: "0x1234" }, says: "EVM_PRIVATE_KEY must be a private key" },
    { set: { EVM_NETWORK: "base" }, says: "EVM_NETWORK must be an EVM chain" },
    { set: { EVM_RPC_URL: "127.0.0.1:8545" }, says: "EVM_RPC_URL must be a URL" },
    { set: { PORT: "http" }, says: "PORT must be a port number" },
    { set: { PORT: "70000" }, says: "PORT must be 0 to 65535" },
    { set: { ERC6492_FACTORIES: "0x12" }, says: "ERC6492_FACTORIES has what is no address" },
    {
      set: { ERC6492_FACTORIES: "0x036CbD53842c5426634e7929541eC2318f3dCF7E" },
      says: "ERC6492_FACTORIES has what is no address",
    },
    { set: { WALLET_GAS_BUDGET: "-1" }, says: "WALLET_GAS_BUDGET must be an amount of gas" },
    { set: { LOG_LEVEL: "loud" }, says: "LOG_LEVEL must be one of" },
    {
      set: { REDIS_URL: "http://127.0.0.1" },
      says: "REDIS_URL must be a URL that begins with redis://",
    },
    { set: { REDIS_URL: "redis://127.0.0.1:9" }, says: "REDIS_URL" },
    { set: { EVM_NETWORK: "eip155:8453" }, says: "is of another chain, eip155:84532" },
    { set: { EVM_RPC_URL: "http://127.0.0.1:9/secret-key" }, says: "does not answer" },
    {
      set: { FARTHING_CONFIG: "/nonexistent.json" },
      says: "FARTHING_CONFIG: the file /nonexistent.json cannot be read",
    },
  ])("$set is a configuration error: exit 2, naming the variable", async ({ set, says }) => {
    const { code, stderr, stdout } = await farthing(["facilitator"], { ...environment(), ...set });
    expect(stderr).toContain(says);
    expect(stderr).not.toContain("secret-key");
    expect(stderr).not.toContain(environment().EVM_PRIVATE_KEY);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  });

  test("all mistakes are told at once", async () => {
    const { stderr } = await farthing(["facilitator"], { PORT: "x" });
    for (const name of ["PORT", "EVM_NETWORK", "EVM_RPC_URL", "EVM_PRIVATE_KEY"])
      expect(stderr).toContain(name);
  });
});
