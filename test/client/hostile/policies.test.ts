/** Options that are meant well and could be read otherwise, and callbacks that do what they should not. */
import { describe, expect, test } from "vitest";
import {
  memorySpendStore,
  spendPolicy,
  wrapFetchWithPayment,
  type Proposal,
  type SpendPolicyOptions,
} from "../../../src/client/index.ts";
import { exactEvm } from "../../../src/evm/index.ts";
import { demand, isPaid, OFFER, openShop, sell, sellAt } from "../shop.ts";
import { ACCOUNT, openBuyer, outcomeOf, type BuyerOptions } from "./meter.ts";

const EURC = {
  network: "eip155:84532",
  address: "0x808456652fdb597867f38412077A9182bf77359F",
  name: "EURC",
  version: "2",
  symbol: "EURC",
  decimals: 6,
  usd: false,
} as const;
const EUROS = { asset: EURC.address, extra: { name: "EURC", version: "2" } };

/** What a shop on a made-up host gets, with these options. */
async function payAt(host: string, options: BuyerOptions, change: object = {}) {
  const shop = await openShop(sellAt(change));
  const buyer = openBuyer({
    store: memorySpendStore(),
    fetch: (input, init) => {
      const url = new URL(input as string);
      return fetch(`${shop.url}${url.pathname}`, init).then((response) =>
        Object.defineProperty(response, "url", { value: url.href }),
      );
    },
    ...options,
  });
  const outcome = await outcomeOf(buyer.pay(`http://${host}/report`));
  if (!(outcome instanceof Response)) return (outcome as { rule: string }).rule;
  await outcome.text();
  return "paid";
}
const policy = (options: SpendPolicyOptions) => ({ policy: spendPolicy(options) });

describe("a host is the same, however it is written", () => {
  const ways: [string, string][] = [
    ["shop.example", "shop.example"],
    ["shop.example", "SHOP.EXAMPLE"],
    ["shop.example", "shop.example."],
    ["shop.example", "shop.example:8080"],
    ["shop.example", "shop%2eexample"],
    ["Shop.Example.:443", "shop.example"],
    ["*.example", "shop.example"],
    ["*.Example.", "a.b.example:80"],
    ["bücher.example", "xn--bcher-kva.example"],
    ["xn--bcher-kva.example", "BÜCHER.example"],
    ["127.0.0.1", "0x7f.1"],
    ["127.0.0.1", "2130706433"],
    ["0177.1", "127.0.0.1"],
    ["[::1]", "[0:0:0:0:0:0:0:1]"],
    ["[::ffff:127.0.0.1]", "[::FFFF:7F00:1]:8080"],
  ];
  test.each(ways)("%s denies %s", async (listed, host) => {
    expect(await payAt(host, policy({ deny: { hosts: [listed] } }))).toBe("host");
  });
  test.each(ways)("%s allows %s", async (listed, host) => {
    expect(await payAt(host, policy({ allow: { hosts: [listed] } }))).toBe("paid");
  });
  test.each(ways.filter(([listed]) => !listed.startsWith("*")))(
    "%s has one budget with %s",
    async (listed, host) => {
      const options = {
        store: memorySpendStore(),
        ...policy({ budgets: [{ limit: "$0.015", host: listed }] }),
      };
      expect(await payAt(listed, options)).toBe("paid");
      expect(await payAt(host, options)).toBe("budget");
    },
  );
  test.each([
    ["shop.example", "evilshop.example"],
    ["shop.example", "shop.example.evil.test"],
    ["*.shop.example", "shop.example"],
    ["*.shop.example", "evilshop.example"],
    ["*.shop.example", "a.shop.example.evil.test"],
    ["shop.example", "shop.example@evil.test"],
    ["127.0.0.1", "[::ffff:127.0.0.1]"],
  ])("%s does not allow %s", async (listed, host) => {
    expect(await payAt(host, policy({ allow: { hosts: [listed] } }))).not.toBe("paid");
  });
});

describe("budgets", () => {
  const both: BuyerOptions = {
    maxAmount: ["$1", "1 EURC"],
    schemes: [exactEvm({ account: ACCOUNT, assets: [EURC] })],
  };
  test("that count dollars let nothing else through uncounted", async () => {
    const dollars = policy({ budgets: [{ limit: "$5" }] });
    expect(await payAt("shop.example", { ...both, ...dollars }, EUROS)).toBe("budget");
    expect(await payAt("shop.example", { ...both, ...dollars })).toBe("paid");
  });
  test.each(["5 USDC", "5 usd", "5 dollars"])("of %s let no dollar through", async (limit) => {
    expect(await payAt("shop.example", policy({ budgets: [{ limit }] }))).toBe("budget");
  });
  test("of two kinds count each by itself", async () => {
    const two = policy({ budgets: [{ limit: "$5" }, { limit: "0.005 EURC" }] });
    expect(await payAt("shop.example", { ...both, ...two })).toBe("paid");
    expect(await payAt("shop.example", { ...both, ...two }, EUROS)).toBe("budget");
  });
  test("of another host alone let this one through", async () => {
    const other = policy({ budgets: [{ limit: "$0.001", host: "other.example" }] });
    expect(await payAt("shop.example", other)).toBe("paid");
  });
});

describe("what cannot be meant is a TypeError at once", () => {
  test.each<SpendPolicyOptions>([
    { budgets: [{ limit: "$1", host: "*.example.com" }] },
    { budgets: [{ limit: "$1", host: "" }] },
    { budgets: [{ limit: "$1", by: "host", payee: "0x" }] },
    { budgets: [{ limit: "$5 EURC" }] },
    { budgets: [{ limit: "5 " }] },
    { budgets: [{ limit: "5  EURC" }] },
    { budgets: [{ limit: ["$1", "2 USD"] }] },
    { budgets: [{ limit: "$1", windowSeconds: 0 }] },
    { budgets: [{ limit: "$1", windowSeconds: 32 * 86_400 }] },
    { allow: { hosts: [""] } },
    { deny: { hosts: ["exa mple"] } },
    { deny: { hosts: ["::1"] } },
  ])("%j", (options) => {
    expect(() => spendPolicy(options)).toThrow(TypeError);
  });
  const schemes = [exactEvm()];
  test.each([
    { maxLifetimeSeconds: Number.MAX_SAFE_INTEGER },
    { retry: { timeoutMs: 2 ** 31 } },
    { retry: { maxWaitMs: Number.MAX_SAFE_INTEGER } },
    { retry: { attempts: 0 } },
    { policy: spendPolicy({ pinPayees: true }) },
    { policy: spendPolicy({ budgets: [{ limit: "$1" }] }) },
  ])("%j", (options) => {
    expect(() => wrapFetchWithPayment(fetch, { schemes, ...options })).toThrow(TypeError);
  });
});

describe("who is asked about a payment", () => {
  const spoil = (proposal: Proposal) => {
    const { requirements } = proposal as { requirements: Record<string, unknown> };
    for (const change of [
      () => (requirements["amount"] = "990000"),
      () => (requirements["payTo"] = `0x${"c2".repeat(20)}`),
      () => ((requirements["extra"] as Record<string, unknown>)["name"] = "Other"),
      () => ((proposal as { value: number }).value = 0),
      () => ((proposal as { lifetimeSeconds: number }).lifetimeSeconds = 1e9),
    ]) {
      try {
        change();
      } catch {
        // So it should be.
      }
    }
    return true;
  };
  test.each<[string, BuyerOptions]>([
    ["confirm", policy({ confirm: { ask: spoil } })],
    ["select", { select: (all) => (all.forEach(spoil), all[0]) }],
  ])("%s cannot change it", async (_, options) => {
    const shop = await openShop();
    const buyer = openBuyer({ store: memorySpendStore(), ...options });
    expect((await buyer.pay(shop.url)).status).toBe(200);
    expect(buyer.signed).toMatchObject([{ value: 10_000n, to: OFFER.payTo }]);
    expect(Number(buyer.signed[0]?.validBefore)).toBeLessThan(Date.now() / 1000 + 400);
  });

  test("is asked once, however many offers there are", async () => {
    const accepts = Array.from({ length: 12 }, (_, index) => ({ ...OFFER, amount: `${index}` }));
    const shop = await openShop(sell({ accepts }));
    let asked = 0;
    const ask = () => ((asked += 1), false);
    const outcome = await outcomeOf(openBuyer(policy({ confirm: { ask } })).pay(shop.url));
    expect(outcome).toMatchObject({ rule: "confirm" });
    expect(asked).toBe(1);
  });

  test.each<[string, unknown]>([
    ["throws", new Error("no")],
    ["1", 1],
    ["a text", "yes"],
    ["an object", {}],
  ])("and answers %s, says no", async (_, answer) => {
    const shop = await openShop(() => demand());
    const store = memorySpendStore();
    const ask = () => {
      if (answer instanceof Error) throw answer;
      return answer as boolean;
    };
    const outcome = await outcomeOf(
      openBuyer({ store, ...policy({ confirm: { ask } }) }).pay(shop.url),
    );
    expect(outcome).toMatchObject({ rule: "confirm" });
    expect(await store.spent("total", "USD", Date.now())).toBe(0);
    expect(shop.received.filter(isPaid)).toEqual([]);
  });

  test.each<[string, BuyerOptions["select"]]>([
    [
      "throws",
      () => {
        throw new TypeError("no");
      },
    ],
    ["gives a copy", ([first]) => ({ ...first! })],
    ["gives another amount", ([first]) => ({ ...first!, requirements: { ...OFFER, amount: "1" } })],
  ])("select that %s signs nothing", async (_, select) => {
    const shop = await openShop();
    const buyer = openBuyer(select && { select });
    expect(await outcomeOf(buyer.pay(shop.url))).toBeInstanceOf(TypeError);
    expect(buyer.signed).toEqual([]);
  });
});
