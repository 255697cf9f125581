import { privateKeyToAccount } from "viem/accounts";
import { describe, expect, test } from "vitest";
import { memorySpendStore, preferring, spendPolicy } from "../../src/client/index.ts";
import { exactEvm } from "../../src/evm/index.ts";
import { OFFER, openShop, openWallet, paymentOf, sell, isPaid } from "./shop.ts";

const account = privateKeyToAccount(`0x${"42".repeat(32)}`);
const OTHER = `0x${"c2".repeat(20)}` as const;
const assets = (["eip155:84532", "eip155:8453"] as const).map((network) => ({
  network,
  address: OTHER,
  name: "Other",
  version: "1",
  symbol: "OTH",
  decimals: 6,
  usd: true,
}));
const base = { network: "eip155:8453", asset: "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913" };
const other = { asset: OTHER, extra: { name: "Other", version: "1" } };
const accepts = [
  { ...OFFER, amount: "5" },
  { ...OFFER, ...other, amount: "6" },
  { ...OFFER, ...base, amount: "7" },
  { ...OFFER, ...base, ...other, amount: "8" },
];

/** The amount of the offer that is paid. */
async function paid(options: Parameters<typeof openWallet>[0]): Promise<string | undefined> {
  const shop = await openShop(sell({ accepts }));
  const wallet = openWallet({ schemes: [exactEvm({ account, assets })], ...options });
  const error = await wallet.pay(shop.url).catch((thrown: unknown) => thrown);
  const sent = shop.received.find(isPaid);
  if (sent === undefined) throw error;
  return paymentOf(sent).accepted.amount;
}

describe("of several offers, the one is paid that is", () => {
  test.each<[string, Parameters<typeof preferring>[0], string]>([
    ["the cheapest, without preferences", {}, "5"],
    ["on a preferred network, the cheapest there", { networks: ["eip155:8453"] }, "7"],
    ["of a preferred asset, by symbol in any case", { assets: ["oth"] }, "6"],
    ["of a preferred asset, by address", { assets: [OTHER.toUpperCase().replace("X", "x")] }, "6"],
    ["on the network before the asset", { networks: ["eip155:8453"], assets: ["OTH"] }, "8"],
    ["of the first of several", { networks: ["eip155:1", "eip155:84532", "eip155:8453"] }, "5"],
    ["the cheapest where nothing preferred is offered", { networks: ["eip155:1"] }, "5"],
  ])("%s", async (_, preferences, amount) => {
    expect(await paid({ select: preferring(preferences) })).toBe(amount);
  });

  test("the next one, when a budget refuses the preferred one", async () => {
    const options = {
      select: preferring({ networks: ["eip155:8453"] }),
      store: memorySpendStore(),
      policy: spendPolicy({ budgets: [{ limit: "$0.000006" }] }),
    };
    expect(await paid(options)).toBe("5");
  });
});

describe("a function of one's own", () => {
  test("chooses one, or several in its order", async () => {
    expect(await paid({ select: (proposals) => proposals[2] })).toBe("7");
    expect(await paid({ select: (proposals) => [proposals[3]!, proposals[0]!] })).toBe("8");
  });

  test.each([undefined, []])("that chooses none (%j) pays nothing", async (none) => {
    const refused = { code: "payment_refused", rule: "select" };
    await expect(paid({ select: () => none })).rejects.toMatchObject(refused);
  });

  test("that makes one up is a TypeError", async () => {
    const made = paid({ select: ([first]) => ({ ...first!, value: 0 }) });
    await expect(made).rejects.toThrow(TypeError);
  });
});
