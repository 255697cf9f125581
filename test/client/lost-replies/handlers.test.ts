/** A handler fails, or a settlement does, and the next call is for one debit in all. */
import { Hono } from "hono";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createFacilitator, evmChain, type FacilitatorEngine } from "../../../facilitator/index.ts";
import { paywall } from "../../../src/adapters/hono.ts";
import {
  memorySpendStore,
  spendPolicy,
  wrapFetchWithPayment,
  type SpendStore,
} from "../../../src/client/index.ts";
import { encodeHeader } from "../../../src/core/header.ts";
import type { PaymentPayload } from "../../../src/core/messages.ts";
import { exactEvmFacilitator } from "../../../src/evm/facilitator.ts";
import { exactEvm } from "../../../src/evm/index.ts";
import { memoryLedger } from "../../../src/ledger/index.ts";
import type { TestAccount } from "../../../src/testing/index.ts";
import { requirementsOf } from "../../setup/payments.ts";
import { callUntilAnswered, notingAccount } from "./call.ts";
import { CENT, startLostWorld, type LostWorld } from "./world.ts";

let world: LostWorld;
beforeAll(async () => {
  world = await startLostWorld();
}, 60_000);
afterAll(() => world.stop());

type Settle = "before" | "after";
interface ShopOptions {
  readonly settle: Settle;
  readonly identifier: boolean;
  /** What the handler answers, in order; then it delivers. */
  readonly fails: readonly (number | (() => Promise<number>))[];
  readonly facilitator?: FacilitatorEngine;
}

async function openShop({ settle, identifier, fails, facilitator }: ShopOptions) {
  const payTo = world.chain.newAccount().address;
  const payer = world.chain.newAccount();
  await world.chain.fundToken(payer.address, BigInt(5 * CENT));
  const paid = paywall({
    facilitator: facilitator ?? world.facilitator,
    schemes: [exactEvm()],
    network: world.chain.network,
    paymentIdentifier: identifier ? "required" : "off",
    payTo,
  });
  const left = [...fails];
  const app = new Hono();
  app.get("/report", paid("$0.01", { settle }), async (c) => {
    const fail = left.shift();
    const status = typeof fail === "function" ? await fail() : fail;
    return status === undefined ? c.text("the report") : c.text("no", status as 404);
  });
  const url = `http://127.0.0.1:${await world.site(app)}/report`;
  return { url, payTo, payer, debits: async () => (await world.chain.transfersTo(payTo)).length };
}

function openWallet(payer: TestAccount, store: SpendStore = memorySpendStore()) {
  const { signer, nonces } = notingAccount(payer.account);
  const pay = wrapFetchWithPayment(fetch, {
    schemes: [exactEvm({ account: signer })],
    store,
    policy: spendPolicy({ budgets: [{ limit: "$1" }] }),
    retry: { attempts: 1, timeoutMs: 5000 },
  });
  const spent = () => store.spent("total", "USD", Date.now());
  return { pay, nonces, spent, store };
}

describe.each([true, false])("payment-identifier %s", (identifier) => {
  test.concurrent.each([
    ["after", [404]],
    ["after", [404, 404, 404]],
    ["after", [500, 500]],
    ["after", [404, 500, 410]],
    ["before", [404]],
    ["before", [404, 404]],
    ["before", [500, 404]],
  ] as const)("settled %s, a handler that fails with %j", async (settle, fails) => {
    const shop = await openShop({ settle, identifier, fails });
    const wallet = openWallet(shop.payer);
    const { bytes } = await callUntilAnswered(() => wallet.pay(shop.url));
    expect(Buffer.from(bytes ?? []).toString()).toBe("the report");
    expect(await shop.debits()).toBe(1);
    expect(wallet.nonces.size).toBe(1);
    expect(await wallet.spent()).toBe(CENT);
    // And the next one is a purchase of its own.
    expect(await (await wallet.pay(shop.url)).text()).toBe("the report");
    expect(await shop.debits()).toBe(2);
  });
});

/** Two authorizations with one nonce, of which the token takes one. */
async function twoOfOneNonce(
  payer: TestAccount,
  payTo: string,
  identifier: boolean,
  settle: Settle,
) {
  const scheme = exactEvm({ account: payer.account });
  const plain = requirementsOf("$0.01", payTo);
  const extra = { ...plain.extra, ...(settle === "before" && { paymentFlow: "upfront" }) };
  const accepted = { ...plain, extra };
  const nowSeconds = Math.floor(Date.now() / 1000);
  const context = { nowSeconds, lifetimeSeconds: 200, x402Version: 2 } as const;
  const first = await scheme.createPayload(accepted, context);
  const second = await scheme.createPayload(accepted, {
    ...context,
    lifetimeSeconds: 250,
    instead: first,
  });
  const message = (payload: PaymentPayload["payload"]): PaymentPayload => {
    const info = { required: true, id: `pay_${crypto.randomUUID().replaceAll("-", "")}` };
    const extensions = { "payment-identifier": { info } };
    return { x402Version: 2, accepted, payload, ...(identifier && { extensions }) };
  };
  return [first, second].map((payload) => encodeHeader(message(payload))) as [string, string];
}

const present = async (url: string, header: string) => {
  const response = await fetch(url, { headers: { "PAYMENT-SIGNATURE": header } });
  return { status: response.status, text: await response.text() };
};

describe.each([true, false])(
  "a second authorization with the nonce of one that came to nothing (identifier %s)",
  (identifier) => {
    const two = (shop: { payer: TestAccount; payTo: string }, settle: Settle = "after") =>
      twoOfOneNonce(shop.payer, shop.payTo, identifier, settle);

    test.each([404, 500])("because the handler failed with %i, is taken", async (status) => {
      const shop = await openShop({ settle: "after", identifier, fails: [status] });
      const [first, second] = await two(shop);
      expect((await present(shop.url, first)).status).toBe(status);
      expect(await present(shop.url, second)).toMatchObject({ status: 200, text: "the report" });
      expect((await present(shop.url, first)).status).toBe(409);
      expect(await shop.debits()).toBe(1);
    });

    test("because the payer had too little, is taken", async () => {
      const shop = await openShop({ settle: "after", identifier, fails: [] });
      const refund = await drain(shop.payer);
      const [first, second] = await two(shop);
      expect((await present(shop.url, first)).status).toBe(402);
      await refund();
      expect(await present(shop.url, second)).toMatchObject({ status: 200, text: "the report" });
      expect(await shop.debits()).toBe(1);
    });

    test("because the payer had too little when it was to be settled, is taken", async () => {
      let refund = async () => {};
      const fails = [
        async () => {
          refund = await drain(shop.payer);
          return undefined as never;
        },
      ];
      const shop = await openShop({ settle: "after", identifier, fails });
      const [first, second] = await two(shop);
      expect((await present(shop.url, first)).status).toBe(402);
      await refund();
      expect(await present(shop.url, second)).toMatchObject({ status: 200, text: "the report" });
      expect(await shop.debits()).toBe(1);
    });

    test("settled before the handler, which failed: the first one has its content", async () => {
      const shop = await openShop({ settle: "before", identifier, fails: [404] });
      const [first, second] = await two(shop, "before");
      expect((await present(shop.url, first)).status).toBe(404);
      expect((await present(shop.url, second)).status).toBe(409);
      expect(await present(shop.url, first)).toMatchObject({ status: 200, text: "the report" });
      expect(await shop.debits()).toBe(1);
    });

    test("because its transaction failed, is refused, and nothing is charged", async () => {
      let refund: (() => Promise<void>) | undefined;
      const engine = createFacilitator({
        schemes: [exactEvmFacilitator()],
        ledger: memoryLedger(),
        chains: [
          evmChain({
            network: world.chain.network,
            rpcUrls: [world.chain.rpcUrl],
            signers: [(await fundedSigner()).account],
          }),
        ],
        async step(step) {
          if (step === "signed") refund ??= await drain(shop.payer);
        },
      });
      const shop = await openShop({ settle: "after", identifier, fails: [], facilitator: engine });
      const [first, second] = await two(shop);
      expect((await present(shop.url, first)).status).toBe(402);
      await refund?.();
      // The facilitator keeps what failed by its nonce, for as long as the first one lives and a day.
      expect(await present(shop.url, second)).toMatchObject({
        status: 409,
        text: expect.stringContaining("payment_already_used"),
      });
      expect(await shop.debits()).toBe(0);
      await engine.close();
    });
  },
);

async function fundedSigner(): Promise<TestAccount> {
  const signer = world.chain.newAccount();
  await world.chain.fundEther(signer.address, 10n ** 18n);
  return signer;
}

/** Takes away what a payer has; the function that comes back gives it back. */
async function drain(payer: TestAccount): Promise<() => Promise<void>> {
  const { chain } = world;
  const balance = await chain.balanceOf(payer.address);
  await chain.fundEther(payer.address, 10n ** 17n);
  const data = `0xa9059cbb${"0".repeat(62)}99${balance.toString(16).padStart(64, "0")}` as const;
  const hash = await chain.client.sendTransaction({
    account: payer.account,
    to: chain.token,
    data,
    chain: null,
  });
  await chain.client.waitForTransactionReceipt({ hash, pollingInterval: 20 });
  return () => chain.fundToken(payer.address, balance);
}
