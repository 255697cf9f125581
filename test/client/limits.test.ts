import { describe, expect, test } from "vitest";
import { wrapFetchWithPayment, X402Error } from "../../src/client/index.ts";
import { exactEvm } from "../../src/evm/index.ts";
import {
  OFFER,
  openShop,
  openWallet,
  paymentOf,
  sell,
  sellAt,
  type Received,
  type Reply,
} from "./shop.ts";

/** The call is refused before anything is signed, saying why. */
async function expectRefused(
  reply: (request: Received) => Reply,
  why: RegExp,
  maxAmount = "$1",
): Promise<void> {
  const shop = await openShop(reply);
  const wallet = openWallet({ maxAmount });
  const error: unknown = await wallet.pay(shop.url).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(X402Error);
  expect(error).toMatchObject({ code: "payment_refused", retry: "no" });
  expect((error as X402Error).message).toMatch(why);
  expect(wallet.signatures).toBe(0);
  expect(shop.received).toHaveLength(1);
}

async function expectPaid(
  reply: (request: Received) => Reply,
  maxAmount?: string,
): Promise<Received> {
  const shop = await openShop(reply);
  const wallet = openWallet(maxAmount === undefined ? {} : { maxAmount });
  expect((await wallet.pay(shop.url)).status).toBe(200);
  expect(wallet.signatures).toBe(1);
  return shop.received[1]!;
}

describe("the limit of a payment", () => {
  test("is a dollar unless told otherwise, and includes it", async () => {
    await expectPaid(sellAt({ amount: "1000000" }));
    await expectRefused(
      sellAt({ amount: "1000001" }),
      /price of \$1\.000001 is over the limit of \$1/,
    );
  });

  test.each([
    ["$0.01", "10000", "10001"],
    ["0.000001", "1", "2"],
    ["$250", "250000000", "250000001"],
    ["0", "0", "1"],
  ])("of %s", async (limit, most, tooMuch) => {
    await expectPaid(sellAt({ amount: most }), limit);
    await expectRefused(sellAt({ amount: tooMuch }), /over the limit/, limit);
  });

  test("holds for the largest amounts", async () => {
    await expectRefused(sellAt({ amount: String(2n ** 256n - 1n) }), /over the limit/);
  });

  test("is not moved by what the server says about decimals or the token", async () => {
    const extra = { ...OFFER.extra, decimals: 18, symbol: "CENT", usd: 0.01, assetDecimals: 18 };
    await expectRefused(sellAt({ amount: "1000001", decimals: 18, extra }), /\$1\.000001/);
  });

  test("finer than the token's units refuses what is over it, and pays what is not", async () => {
    await expectRefused(sellAt({ amount: "1" }), /over the limit/, "$0.0000005");
    await expectPaid(sellAt({ amount: "1" }), "$0.0000015");
  });
});

describe("nothing is paid", () => {
  test.each<[string, object, RegExp]>([
    ["in an unknown token", { asset: `0x${"c2".repeat(20)}` }, /not a known dollar token/],
    ["in the token of another network", { network: "eip155:8453" }, /not a known dollar token/],
    ["on an unknown chain", { network: "eip155:424242" }, /not a known dollar token/],
    ["on another family", { network: "solana:devnet" }, /no scheme/],
    ["in an unknown scheme", { scheme: "upto" }, /no scheme/],
    [
      "with a delegation",
      { extra: { ...OFFER.extra, assetTransferMethod: "erc7710" } },
      /cannot be paid/,
    ],
    ["in escrow", { extra: { ...OFFER.extra, paymentFlow: "escrow" } }, /flow/],
    ["in a flow that is no text", { extra: { ...OFFER.extra, paymentFlow: {} } }, /flow/],
    ["without the token's domain", { extra: {} }, /cannot be paid/],
    ["to what is no address", { payTo: "vitalik.eth" }, /cannot be paid/],
    [
      "to an address with a wrong checksum",
      { payTo: "0x036CbD53842c5426634e7929541eC2318f3dCF7E" },
      /cannot be paid/,
    ],
  ])("%s", async (_, change, why) => {
    await expectRefused(sellAt(change), why);
  });

  test("when the server offers nothing", async () => {
    await expectRefused(sell({ accepts: [] }), /no way to pay/);
  });

  test("and every offer has its own explanation", async () => {
    const accepts = [
      { ...OFFER, scheme: "upto" },
      { ...OFFER, amount: "9000000" },
    ];
    await expectRefused(sell({ accepts }), /"upto".*no scheme.*"exact".*\$9 is over the limit/s);
  });

  test("with a token that is given in the options and is no dollar", async () => {
    const asset = `0x${"c2".repeat(20)}` as const;
    const gold = {
      network: "eip155:84532",
      address: asset,
      name: "Gold",
      version: "1",
      symbol: "GLD",
      decimals: 6,
      usd: false,
    } as const;
    const shop = await openShop(sellAt({ asset, extra: { name: "Gold", version: "1" } }));
    const wallet = openWallet({ schemes: [exactEvm({ assets: [gold] })] });
    await expect(wallet.pay(shop.url)).rejects.toMatchObject({ code: "payment_refused" });
  });
});

describe("of several offers", () => {
  test("the cheapest that is acceptable is paid", async () => {
    const accepts = [
      { ...OFFER, scheme: "upto" },
      { ...OFFER, asset: `0x${"c2".repeat(20)}` },
      { ...OFFER, amount: "2000000" },
      { ...OFFER, amount: "7" },
      { ...OFFER, amount: "1" },
    ];
    const paid = await expectPaid(sell({ accepts }));
    expect(paymentOf(paid).accepted).toEqual(accepts[4]);
  });
});

describe("options that cannot work are TypeErrors at once", () => {
  const schemes = [exactEvm()];
  test("no schemes", () => {
    expect(() => wrapFetchWithPayment(fetch, { schemes: [] })).toThrow(/schemes/);
  });

  test.each(["", "free", "-1", "$-1", "1e3", "Infinity", "0x1", "1,000", "€1"])(
    "maxAmount %j",
    (maxAmount) => {
      const open = () => wrapFetchWithPayment(fetch, { schemes, maxAmount });
      expect(open).toThrow(TypeError);
      expect(open).toThrow(/^maxAmount: /);
    },
  );

  test.each([0, -1, 1.5, Number.NaN])("maxLifetimeSeconds %d", (maxLifetimeSeconds) => {
    expect(() => wrapFetchWithPayment(fetch, { schemes, maxLifetimeSeconds })).toThrow(TypeError);
  });
});
