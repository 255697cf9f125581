/** A store that fails at one call, before or after it took effect. */
import { describe, expect, test } from "vitest";
import {
  memorySpendStore,
  PaymentRejected,
  PaymentUncertain,
  spendPolicy,
  X402Error,
  type SpendStore,
} from "../../../src/client/index.ts";
import { demand, isPaid, openShop, sell, type Reply } from "../shop.ts";
import { openServer } from "./server.ts";
import { nonces, openBuyer, outcomeOf, type Buyer } from "./meter.ts";

type Method = "reserve" | "update" | "take";
const broken = new X402Error("ledger_unavailable", "the store cannot be reached", {
  retry: "safe",
});

interface Failing {
  readonly store: SpendStore;
  readonly calls: string[];
  /** The store without its fault. */
  readonly sound: SpendStore;
}

/** Fails at the `nth` call of a method. */
function failing(method: Method, nth: number, when: "before" | "after"): Failing {
  const sound = memorySpendStore();
  const calls: string[] = [];
  const guard =
    <A extends unknown[], R>(name: Method, run: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      calls.push(name);
      const isIt = name === method && calls.filter((call) => call === method).length === nth;
      if (isIt && when === "before") throw broken;
      const result = await run(...args);
      if (isIt) throw broken;
      return result;
    };
  const store: SpendStore = {
    ...sound,
    reserve: guard("reserve", sound.reserve),
    update: guard("update", sound.update),
    take: guard("take", sound.take),
  };
  return { store, calls, sound };
}

const replies: [string, (payments: number) => Reply | null][] = [
  ["delivers", () => ({ status: 200, body: "the report" })],
  ["refuses", () => demand()],
  ["fails", () => ({ status: 503 })],
  ["is cut off once", (payments) => (payments === 0 ? null : { status: 200, body: "the report" })],
  ["answers 404", () => ({ status: 404 })],
];
const faults = (["reserve", "update", "take"] as const).flatMap((method) =>
  [1, 2, 3, 4].flatMap((nth) =>
    (["before", "after"] as const).map((when) => [method, nth, when] as const),
  ),
);

/** Every payment that is sent is written down, in a state that a later call finds. */
function recording(sound: SpendStore, unwritten: string[]): typeof fetch {
  return async (input, init) => {
    const header = new Headers(init?.headers).get("PAYMENT-SIGNATURE");
    if (header !== null) {
      const spends = await sound.list({ states: ["pending", "answered", "rejected"] });
      if (!spends.some(({ headers }) => headers?.["PAYMENT-SIGNATURE"] === header))
        unwritten.push(header);
    }
    return await fetch(input, init);
  };
}

describe.each(replies)("a server that %s", (_, reply) => {
  test.concurrent.each(faults)(
    "while `%s` fails at call %i, %s its effect",
    async (method, nth, when) => {
      const shop = await openServer(({ paid, payments }) => (paid ? reply(payments) : demand()));
      const paid = () => shop.visits.filter((visit) => visit.paid).length;
      const { store, sound } = failing(method, nth, when);
      const unwritten: string[] = [];
      const buyer: Buyer = openBuyer({
        store,
        fetch: recording(sound, unwritten),
        retry: { attempts: 2, timeoutMs: 2000, maxWaitMs: 500 },
        policy: spendPolicy({ budgets: [{ limit: "$0.5" }] }),
      });
      for (let call = 0; call < 2; call++) {
        const before = paid();
        const signed = buyer.signed.length;
        const outcome = await outcomeOf(buyer.pay(shop.url));
        const isSent = paid() > before;
        // What the store failed at before anything was sent is the store's error; afterwards the answer counts.
        if (outcome === broken) expect(isSent).toBe(false);
        else if (!(outcome instanceof Response)) expect(outcome).toBeInstanceOf(X402Error);
        if (outcome instanceof PaymentRejected || outcome instanceof PaymentUncertain)
          expect(isSent).toBe(true);
        expect(buyer.signed.length - signed).toBeLessThanOrEqual(1);
      }
      expect(unwritten).toEqual([]);
      const states = (await sound.list()).map(({ state }) => state);
      // Without an answer of the store nobody knows whether it took effect; stores that fail have leases.
      if (!(method === "reserve" && when === "after")) expect(states).not.toContain("reserved");
      const counted = await sound.spent("total", "USD", Date.now());
      if (!(method === "reserve" && when === "after"))
        expect(counted).toBeLessThanOrEqual(nonces(buyer.signed) * 10_000);
      shop.close();
    },
  );
});

test("what failed before anything was signed costs nothing, and the next call is as the first", async () => {
  const shop = await openShop(sell());
  const { store, sound } = failing("update", 1, "before");
  const buyer = openBuyer({ store });
  expect(await outcomeOf(buyer.pay(shop.url))).toBe(broken);
  expect(await sound.spent("total", "USD", Date.now())).toBe(0);
  expect(shop.received.filter(isPaid)).toEqual([]);
  expect((await buyer.pay(shop.url)).status).toBe(200);
});

test.each<[string, () => unknown]>([
  ["rejects", () => Promise.reject(new Error("locked"))],
  [
    "throws",
    () => {
      throw new Error("locked");
    },
  ],
])("a signer that %s costs nothing", async (_, onSign) => {
  const store = memorySpendStore();
  const shop = await openShop();
  expect(await outcomeOf(openBuyer({ store, onSign }).pay(shop.url))).toMatchObject({
    message: "locked",
  });
  expect(await store.spent("total", "USD", Date.now())).toBe(0);
  expect(shop.received.filter(isPaid)).toEqual([]);
});

test.each<[string, unknown]>([
  ["nothing", undefined],
  ["null", null],
  ["a number", 7],
  ["what is no JSON", { amount: 1n }],
  [
    "a circle",
    (() => {
      const circle: Record<string, unknown> = {};
      circle["self"] = circle;
      return circle;
    })(),
  ],
])("a scheme that signs %s is an error or is sent, and nothing is lost", async (_, payload) => {
  const store = memorySpendStore();
  const shop = await openShop();
  const { exactEvm } = await import("../../../src/evm/index.ts");
  const { ACCOUNT } = await import("./meter.ts");
  const scheme = {
    ...exactEvm({ account: ACCOUNT }),
    createPayload: () => Promise.resolve(payload as Record<string, unknown>),
  };
  const outcome = await outcomeOf(openBuyer({ store, schemes: [scheme] }).pay(shop.url));
  const isSent = shop.received.some(isPaid);
  expect(outcome instanceof Response).toBe(isSent);
  expect(await store.spent("total", "USD", Date.now())).toBe(isSent ? 10_000 : 0);
});
