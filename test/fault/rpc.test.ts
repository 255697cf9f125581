/** Nodes that lag, lie by omission, and take transactions without saying so. */
import { describe, expect, onTestFinished, test } from "vitest";
import { startRpcProxy, type RpcFaultFunction } from "../../src/testing/index.ts";
import { eventually, frontRun, newPayments, startEngine } from "./engine.ts";
import { newPayment, startLocalWorld, type LocalWorld, type Payment } from "./world.ts";

interface Site {
  readonly world: LocalWorld;
  setFault(fault: RpcFaultFunction): void;
  /** The first `count` requests for a method get this fault. */
  failFirst(count: number, method: string, fault: ReturnType<RpcFaultFunction>): void;
  /** Submits the payment as a stranger, after the facilitator has sent it and before it is mined. */
  settleElsewhere(payment: Payment): Promise<void>;
  /** Asks until it is told of success; money that moved must never be called a failure on the way. */
  expectPaid(payment: Payment): Promise<void>;
}

/** A chain, a node before it that fails as it is told, and an engine that has only this node. */
async function startSite(finished: typeof onTestFinished): Promise<Site> {
  const world = await startLocalWorld();
  const proxy = await startRpcProxy(world.rpcUrl);
  const engine = await startEngine(world, { rpcUrls: [proxy.url], timeoutMs: 500 });
  let miner: NodeJS.Timeout | undefined;
  finished(async () => {
    clearInterval(miner);
    await engine.close(0);
    await proxy.stop();
    await world.stop();
  });
  return {
    world,
    setFault: proxy.setFault,
    failFirst(count, method, fault) {
      let left = count;
      proxy.setFault((request) => (request.method === method && left-- > 0 ? fault : undefined));
    },
    async settleElsewhere(payment) {
      await world.setAutomine(false);
      const answer = engine.pay(payment).catch(() => undefined);
      await engine.event("sent");
      await frontRun(world, payment);
      miner = setInterval(() => void world.mine().catch(() => undefined), 100);
      await answer;
    },
    async expectPaid(payment) {
      const answer = await eventually("success", async () => {
        const now = await engine.pay(payment).catch(() => undefined);
        if (now?.success === false) expect(now.errorReason).toBe("settlement_pending");
        return now?.success === true && now;
      });
      const transfers = await world.transfersTo(payment.payTo);
      expect(transfers).toHaveLength(1);
      expect(answer.transaction).toBe(transfers[0]?.transactionHash);
    },
  };
}

describe.concurrent("a node fails", () => {
  test("front-run, and the node that is asked for the use has not indexed it yet: not called a failure", async ({
    onTestFinished: finished,
  }) => {
    const site = await startSite(finished);
    const payment = await newPayment(site.world, "order");
    site.failFirst(3, "eth_getLogs", { result: [] });
    await site.settleElsewhere(payment);
    await site.expectPaid(payment);
  });

  test("front-run, and the node that is asked does not have the receipt yet: not called a failure", async ({
    onTestFinished: finished,
  }) => {
    const site = await startSite(finished);
    const payment = await newPayment(site.world, "order");
    site.failFirst(3, "eth_getTransactionReceipt", { result: null });
    await site.settleElsewhere(payment);
    await site.expectPaid(payment);
  });

  test.for([
    ["lost before it was sent", { drop: "before" }],
    ["lost after it was sent", { drop: "after" }],
    ["answered too late", { delayMs: 800 }],
    ["answered with a gateway's page", { status: 502, body: "<html>Bad gateway</html>" }],
    ["refused with 429", { status: 429, headers: { "retry-after": "1" } }],
    ["refused as underpriced", { error: { code: -32000, message: "transaction underpriced" } }],
    ["refused with an unknown error", { error: { code: -32000, message: "the node is tired" } }],
    ["called nonce too low, falsely", { error: { code: -32000, message: "nonce too low" } }],
  ] as const)("a broadcast is %s: paid once", async ([, fault], { onTestFinished: finished }) => {
    const site = await startSite(finished);
    const payments = await newPayments(site.world, 3);
    site.failFirst(2, "eth_sendRawTransaction", fault);
    await Promise.all(payments.map((payment) => site.expectPaid(payment)));
  });

  test("every broadcast takes effect and is answered with an error, for 20 payments: paid once", async ({
    onTestFinished: finished,
  }) => {
    const site = await startSite(finished);
    const payments = await newPayments(site.world, 20);
    site.setFault(async ({ method }, forward) => {
      if (method !== "eth_sendRawTransaction") return undefined;
      await forward();
      return { error: { code: -32603, message: "internal error" } };
    });
    for (const payment of payments) await site.expectPaid(payment);
  });

  test("heads stand still for 3 s while a payment is settled: paid once they go on", async ({
    onTestFinished: finished,
  }) => {
    const site = await startSite(finished);
    const payment = await newPayment(site.world, "order");
    const stale = await site.world.client.request({
      method: "eth_getBlockByNumber",
      params: ["latest", false],
    } as never);
    const untilMs = Date.now() + 3000;
    site.setFault(({ method, params }) => {
      const latest = method === "eth_getBlockByNumber" && (params as unknown[])[0] === "latest";
      return latest && Date.now() < untilMs ? { result: stale } : undefined;
    });
    await site.expectPaid(payment);
  });

  test("a node without eth_getBlockReceipts and without eth_getLogs for a while: paid once", async ({
    onTestFinished: finished,
  }) => {
    const site = await startSite(finished);
    const payments = await newPayments(site.world, 5);
    const untilMs = Date.now() + 2000;
    site.setFault(({ method }) => {
      if (method === "eth_getBlockReceipts")
        return { error: { code: -32601, message: "method not found" } };
      return method === "eth_getLogs" && Date.now() < untilMs ? { status: 500 } : undefined;
    });
    for (const payment of payments) await site.expectPaid(payment);
  });
});
