import { encodeFunctionData, type Abi } from "viem";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { eip3009Abi } from "../../contracts-abi/eip3009.ts";
import type { Hex } from "../../src/core/scheme.ts";
import { paymentFate } from "../../src/evm/fate.ts";
import { exactEvm, rpcReader } from "../../src/evm/index.ts";
import { startLocalWorld, type LocalWorld } from "../../src/testing/index.ts";
import { reply, startRawServer, type Call, type RawServer } from "../rpc/raw-server.ts";
import { sign, vrs } from "../testing/eip3009-signing.ts";
import { payer, requirements } from "./arbitraries.ts";

const { network, asset } = requirements;
type Payload = { signature: Hex; authorization: Record<string, string> };

describe("the fate of an authorization, on a chain", () => {
  let world: LocalWorld;
  beforeAll(async () => {
    world = await startLocalWorld();
  });
  afterAll(() => world.stop());

  const schemeOf = (rpcUrl = world.rpcUrl) =>
    exactEvm({
      account: world.accounts.payer.account,
      chain: rpcReader({ [network]: rpcUrl }),
    });
  const pay = async () =>
    (await schemeOf().createPayload(requirements, {
      nowSeconds: await world.now(),
      lifetimeSeconds: 60,
      x402Version: 2,
    })) as unknown as Payload & Record<string, unknown>;
  const fate = (payload: Record<string, unknown>) => schemeOf().fate!(payload, requirements);
  /** Resolves when it is in a block. */
  const write = async (functionName: string, args: readonly unknown[]) => {
    const abi: Abi = eip3009Abi;
    const { account } = world.accounts.facilitator;
    const call = { account, address: world.token, abi, functionName, args };
    const hash = await world.client.writeContract(call);
    await world.client.waitForTransactionReceipt({ hash });
  };

  test("is open until its time is over in a final block, then void", async () => {
    const payload = await pay();
    expect(await fate(payload)).toBe("open");
    await world.increaseTime(45); // the clock of the chain goes on meanwhile
    expect(await fate(payload)).toBe("open");
    await world.increaseTime(15);
    expect(await fate(payload), "over, but in no final block").toBe("open");
    await world.mine(63);
    expect(await fate(payload)).toBe("open");
    await world.mine(1);
    expect(await fate(payload)).toBe("void");
  });

  test("is taken when the token has used it, for ever", async () => {
    const payload = await pay();
    const { from, to, value, validAfter, validBefore, nonce } = payload.authorization;
    const numbers = [value, validAfter, validBefore].map((text) => BigInt(text!));
    await write("transferWithAuthorization", [
      from,
      to,
      ...numbers,
      nonce,
      ...vrs(payload.signature),
    ]);
    expect(await fate(payload)).toBe("taken");
    await world.increaseTime(60);
    await world.mine(65);
    expect(await fate(payload)).toBe("taken");
  });

  test("is taken when its payer cancelled it", async () => {
    const payload = await pay();
    const { from, nonce } = payload.authorization;
    const message = { authorizer: from, nonce };
    const signature = await sign(world.accounts.payer, "CancelAuthorization", message);
    await write("cancelAuthorization", [from, nonce, ...vrs(signature)]);
    expect(await fate(payload)).toBe("taken");
  });

  test("is open for what is no authorization, and for chains without an endpoint", async () => {
    const payload = await pay();
    expect(await fate({})).toBe("open");
    expect(await schemeOf().fate!(payload, { network, asset: "USDC" })).toBe("open");
    expect(await schemeOf().fate!(payload, { network: "eip155:1", asset })).toBe("open");
  });

  test("is not known of a contract that does not answer with a bool", async () => {
    const nobody = world.newAccount().address;
    await expect(schemeOf().fate!(await pay(), { network, asset: nobody })).rejects.toMatchObject({
      code: "rpc_unavailable",
      retry: "safe",
    });
  });

  test("is not asked of an endpoint of another chain", async () => {
    const chain = rpcReader({ "eip155:8453": world.rpcUrl });
    const scheme = exactEvm({ account: world.accounts.payer.account, chain });
    await expect(scheme.fate!(await pay(), { network: "eip155:8453", asset })).rejects.toThrow(
      "no JSON-RPC endpoint of eip155:8453 answered: endpoint 1: it is of another chain",
    );
  });

  test("is asked of the next endpoint when one fails", async () => {
    const down = "http://127.0.0.1:1/secret";
    const chain = rpcReader({ [network]: [down, world.rpcUrl] });
    expect(await exactEvm({ chain }).fate!(await pay(), requirements)).toBe("open");
  });
});

describe("rpcReader", () => {
  const DEADLINE = 1_800_000_000n;
  const call = { to: asset as Hex, data: "0x" as Hex };
  const hex = (value: bigint | number) => `0x${value.toString(16)}`;
  const bool = (value: boolean) => `0x${"0".repeat(63)}${value ? 1 : 0}`;
  const block = (number: number, timestamp: bigint) => ({
    number: hex(number),
    timestamp: hex(timestamp),
  });

  /** What a node says by method; the two blocks by their tag. */
  let says: Record<string, unknown>;
  let server: RawServer;
  beforeEach(async () => {
    says = {
      eth_chainId: { result: hex(84532) },
      eth_call: { result: bool(false) },
      latest: { result: block(100, DEADLINE + 100n) },
      finalized: { result: block(90, DEADLINE) },
    };
    server = await startRawServer((body, response) => {
      const { id, method, params } = body as Call;
      const said = says[method === "eth_getBlockByNumber" ? String(params[0]) : method];
      if (said === "silence") return;
      if (typeof said === "string") reply(response, said);
      else reply(response, { jsonrpc: "2.0", id, ...(said as object) });
    });
  });
  afterEach(() => server.stop());

  const fate = (timeoutMs = 5000, url = server.url) =>
    rpcReader({ [network]: url }, { timeoutMs }).fate(network, call, DEADLINE);

  test("says void at a final block that is not before the deadline", async () => {
    expect(await fate()).toBe("void");
    says["finalized"] = { result: block(90, DEADLINE - 1n) };
    expect(await fate()).toBe("open");
  });

  test("asks for the state of the newest block, which knows of all before", async () => {
    await fate();
    const asked = server.received.map((body) => [(body as Call).method, (body as Call).params]);
    expect(asked).toEqual([
      ["eth_chainId", []],
      ["eth_getBlockByNumber", ["latest", false]],
      ["eth_call", [call, hex(100)]],
      ["eth_getBlockByNumber", ["finalized", false]],
    ]);
  });

  test("is not sure when the final block is newer than the newest that it asked about", async () => {
    says["finalized"] = { result: block(101, DEADLINE) };
    expect(await fate()).toBe("open");
  });

  test("says taken whatever the time is", async () => {
    says["eth_call"] = { result: bool(true) };
    says["latest"] = { result: block(100, 1n) };
    expect(await fate()).toBe("taken");
  });

  describe.each<[string, unknown]>([
    ["null", { result: null }],
    ["Geth's error", { error: { code: -39001, message: "Unknown block" } }],
    ["invalid parameters", { error: { code: -32602, message: "invalid argument" } }],
    ["an unknown tag", { error: { code: -32000, message: "finalized block not found" } }],
  ])("where nothing is called final (%s)", (_, said) => {
    test("goes by the newest block, a minute after the deadline", async () => {
      says["finalized"] = said;
      expect(await fate()).toBe("void");
      says["latest"] = { result: block(100, DEADLINE + 59n) };
      expect(await fate()).toBe("open");
    });
  });

  test.each<[string, string, unknown]>([
    ["a rate limit for the final block", "finalized", { error: { code: -32005, message: "slow" } }],
    ["an error", "eth_call", { error: { code: -32000, message: "SECRET" } }],
    ["nothing", "latest", { result: null }],
    ["no JSON", "latest", "SECRET"],
    ["no JSON-RPC", "eth_call", {}],
    ["a number that is none", "latest", { result: { number: 5, timestamp: "0x1" } }],
    ["a word that is no bool", "eth_call", { result: `0x${"0".repeat(63)}2` }],
    ["no word", "eth_call", { result: "0x" }],
    ["another chain", "eth_chainId", { result: "0x1" }],
    ["silence", "eth_call", "silence"],
  ])("is rpc_unavailable for %s, without a word of it", async (_, about, said) => {
    says[about] = said;
    const url = server.url.replace("127.0.0.1", "user:SECRET@127.0.0.1") + "/SECRET";
    const error: unknown = await fate(200, url).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "rpc_unavailable", retry: "safe" });
    const { cause, message, stack } = error as Error;
    expect(cause).toBeUndefined();
    expect(message + stack).not.toMatch(/SECRET|127\.0\.0\.1/);
  });

  test("sends the name and password of a URL as a header", async () => {
    await fate(5000, server.url.replace("//", "//me:p%40ss@"));
    expect(server.headers[0]?.authorization).toBe(`Basic ${btoa("me:p@ss")}`);
  });

  test.each([
    ["eip155:01", "http://127.0.0.1"],
    ["solana:devnet", "http://127.0.0.1"],
    [network, "SECRET"],
    [network, "wss://SECRET"],
  ] as const)("refuses %s at %s, without the URL", (of, url) => {
    expect(() => rpcReader({ [of]: url })).toThrow(TypeError);
    expect(() => rpcReader({ [of]: url })).not.toThrow(/SECRET/);
  });
});

test("the calldata is viem's", async () => {
  const asked: unknown[] = [];
  const chain = {
    fate: (...question: unknown[]) => (asked.push(question), Promise.resolve("open" as const)),
  };
  const scheme = exactEvm({ account: payer });
  const context = { nowSeconds: 1_800_000_000, lifetimeSeconds: 60, x402Version: 2 } as const;
  const payload = await scheme.createPayload(requirements, context);
  await paymentFate(chain, payload, { network, asset });
  const { nonce } = payload["authorization"] as { nonce: Hex };
  const data = encodeFunctionData({
    abi: eip3009Abi,
    functionName: "authorizationState",
    args: [payer.address, nonce],
  });
  expect(asked).toEqual([[network, { to: asset.toLowerCase(), data }, 1_800_000_060n]]);
});
