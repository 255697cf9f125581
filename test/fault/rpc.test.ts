/** Nodes that lag, lie by omission, and take transactions without saying so. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { startRpcProxy, type RpcFaultFunction, type RpcProxy } from "../../src/testing/index.ts";
import { eventually, frontRun, newPayments, startEngine, type Engine } from "./engine.ts";
import { newPayment, startLocalWorld, type LocalWorld, type Payment } from "./world.ts";

let world: LocalWorld;
let proxy: RpcProxy;
let engine: Engine;
let miner: NodeJS.Timeout | undefined;

beforeAll(async () => {
  world = await startLocalWorld();
});
afterAll(() => world.stop());
beforeEach(async () => {
  proxy = await startRpcProxy(world.rpcUrl);
  engine = await startEngine(world, { rpcUrls: [proxy.url], timeoutMs: 500 });
});
afterEach(async () => {
  clearInterval(miner);
  await world.setAutomine(true);
  await engine.close(0);
  await proxy.stop();
});

function mineOn(): void {
  clearInterval(miner);
  miner = setInterval(() => void world.mine().catch(() => undefined), 100);
}

/** The first `count` requests for a method get this fault. */
function first(count: number, method: string, fault: ReturnType<RpcFaultFunction>): void {
  let left = count;
  proxy.setFault((request) => (request.method === method && left-- > 0 ? fault : undefined));
}

/** Asks until it is told of success; money that moved must never be called a failure on the way. */
async function expectPaid(payment: Payment): Promise<void> {
  const answer = await eventually("success", async () => {
    const now = await engine.pay(payment).catch(() => undefined);
    if (now?.success === false) expect(now.errorReason).toBe("settlement_pending");
    return now?.success === true && now;
  });
  const transfers = await world.transfersTo(payment.payTo);
  expect(transfers).toHaveLength(1);
  expect(answer.transaction).toBe(transfers[0]?.transactionHash);
}

/** Submits the payment as a stranger, after the facilitator has sent it and before it is mined. */
async function settleElsewhere(payment: Payment): Promise<void> {
  await world.setAutomine(false);
  const answer = engine.pay(payment).catch(() => undefined);
  await engine.event("sent");
  await frontRun(world, payment);
  mineOn();
  await answer;
}

test("front-run, and the node that is asked for the use has not indexed it yet: not called a failure", async () => {
  const payment = await newPayment(world, "order");
  first(3, "eth_getLogs", { result: [] });
  await settleElsewhere(payment);
  await expectPaid(payment);
});

test("front-run, and the node that is asked does not have the receipt yet: not called a failure", async () => {
  const payment = await newPayment(world, "order");
  first(3, "eth_getTransactionReceipt", { result: null });
  await settleElsewhere(payment);
  await expectPaid(payment);
});

test("used before the claim, and the node has not indexed it yet: no final refusal", async () => {
  const payment = await newPayment(world, "order");
  await frontRun(world, payment);
  first(1, "eth_getLogs", { result: [] });
  // Nothing was signed, so this may be refused now; but not for good.
  await engine.pay(payment).catch(() => undefined);
  await expectPaid(payment);
});

test.each([
  ["lost before it was sent", { drop: "before" }],
  ["lost after it was sent", { drop: "after" }],
  ["answered too late", { delayMs: 800 }],
  ["answered with a gateway's page", { status: 502, body: "<html>Bad gateway</html>" }],
  ["refused with 429", { status: 429, headers: { "retry-after": "1" } }],
  ["refused as underpriced", { error: { code: -32000, message: "transaction underpriced" } }],
  ["refused with an unknown error", { error: { code: -32000, message: "the node is tired" } }],
  ["called nonce too low, falsely", { error: { code: -32000, message: "nonce too low" } }],
] as const)("a broadcast is %s: paid once", async (_, fault) => {
  const payments = await newPayments(world, 3);
  first(2, "eth_sendRawTransaction", fault);
  await Promise.all(payments.map((payment) => expectPaid(payment)));
});

test("every broadcast takes effect and is answered with an error, for 20 payments: paid once", async () => {
  const payments = await newPayments(world, 20);
  proxy.setFault(async ({ method }, forward) => {
    if (method !== "eth_sendRawTransaction") return undefined;
    await forward();
    return { error: { code: -32603, message: "internal error" } };
  });
  for (const payment of payments) await expectPaid(payment);
});

test("heads stand still for 3 s while a payment is settled: paid once they go on", async () => {
  const payment = await newPayment(world, "order");
  const stale = await world.client.request({
    method: "eth_getBlockByNumber",
    params: ["latest", false],
  } as never);
  const untilMs = Date.now() + 3000;
  proxy.setFault(({ method, params }) => {
    const latest = method === "eth_getBlockByNumber" && (params as unknown[])[0] === "latest";
    return latest && Date.now() < untilMs ? { result: stale } : undefined;
  });
  await expectPaid(payment);
});

test("a node without eth_getBlockReceipts and without eth_getLogs for a while: paid once", async () => {
  const payments = await newPayments(world, 5);
  const untilMs = Date.now() + 2000;
  proxy.setFault(({ method }) => {
    if (method === "eth_getBlockReceipts")
      return { error: { code: -32601, message: "method not found" } };
    return method === "eth_getLogs" && Date.now() < untilMs ? { status: 500 } : undefined;
  });
  for (const payment of payments) await expectPaid(payment);
});
