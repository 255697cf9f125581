/** A store that is down when a call has something to write about a payment that was sent. */
import { expect, test } from "vitest";
import { memorySpendStore, X402Error, type SpendStore } from "../../../src/client/index.ts";
import { PaymentUncertain } from "../../../src/client/errors.ts";
import { demand, isPaid, openShop, sell, type Reply } from "../shop.ts";
import { openBuyer, outcomeOf } from "./meter.ts";

const broken = new X402Error("ledger_unavailable", "the store cannot be reached", {
  retry: "safe",
});

/** A store that can be out of reach; with leases that nobody sees the end of, or without any. */
function outage(leaseMs: number | undefined) {
  const sound = memorySpendStore();
  const link = { isDown: false };
  const guard =
    <A extends unknown[], R>(run: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      if (link.isDown) throw broken;
      return await run(...args);
    };
  const store: SpendStore = {
    ...sound,
    ...(leaseMs !== undefined && { leaseMs }),
    reserve: guard(sound.reserve),
    update: guard(sound.update),
    take: guard(sound.take),
  };
  return { store, sound, link };
}

const unclear: [string, () => Reply | null][] = [
  ["503", () => ({ status: 503 })],
  ["no answer", () => null],
];

test.each(
  unclear.flatMap(([name, reply]) =>
    [undefined, 3_600_000].map((leaseMs) => [name, leaseMs, reply] as const),
  ),
)(
  "%s while the store is down (lease %s): the next calls sign nothing, then the same payment is presented",
  async (_, leaseMs, reply) => {
    const { store, sound, link } = outage(leaseMs);
    let isLost = true;
    const shop = await openShop((request) => {
      if (!isPaid(request)) return demand();
      if (!isLost) return sell()(request);
      link.isDown = true;
      return reply();
    });
    const buyer = openBuyer({ store });
    expect(await outcomeOf(buyer.pay(shop.url))).toBeInstanceOf(PaymentUncertain);
    isLost = false;
    for (let call = 0; call < 2; call++)
      expect(await outcomeOf(buyer.pay(shop.url))).toMatchObject({ code: "ledger_unavailable" });
    expect(buyer.signed).toHaveLength(1);
    link.isDown = false;
    expect(await (await buyer.pay(shop.url)).text()).toBe("the report");
    expect(buyer.signed).toHaveLength(1);
    expect(await sound.list()).toMatchObject([{ state: "paid" }]);
  },
);

test("what was delivered while the store was down is written down before the next purchase", async () => {
  const { store, sound, link } = outage(3_600_000);
  const shop = await openShop((request) => {
    if (isPaid(request)) link.isDown = true;
    return sell()(request);
  });
  const buyer = openBuyer({ store });
  expect(await (await buyer.pay(shop.url)).text()).toBe("the report");
  expect(await outcomeOf(buyer.pay(`${shop.url}/other`))).toBe(broken);
  link.isDown = false;
  expect(await (await buyer.pay(`${shop.url}/other`)).text()).toBe("the report");
  link.isDown = false;
  expect(await (await buyer.pay(`${shop.url}/third`)).text()).toBe("the report");
  expect((await sound.list()).map(({ state }) => state)).toEqual(["pending", "paid", "paid"]);
  expect(buyer.signed).toHaveLength(3);
});
