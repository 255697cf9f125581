/** Who pays: another account's payment is not presented, and what a receipt says of it is compared. */
import { privateKeyToAccount } from "viem/accounts";
import { expect, test } from "vitest";
import { memorySpendStore, PaymentUncertain } from "../../src/client/index.ts";
import { encodeHeader } from "../../src/core/header.ts";
import { exactEvm, exactEvmClient, uptoEvm } from "../../src/evm/index.ts";
import { ACCOUNT, openBuyer, outcomeOf } from "./hostile/meter.ts";
import { isPaid, openShop, paymentOf, RECEIPT, sell, type Reply } from "./shop.ts";

const OTHER = privateKeyToAccount(`0x${"43".repeat(32)}`);

test("a scheme names the address of its account, and none without one", () => {
  expect(exactEvmClient({ account: ACCOUNT }).payer).toBe(ACCOUNT.address);
  expect(exactEvm({ account: ACCOUNT }).payer).toBe(ACCOUNT.address);
  expect(exactEvm()).not.toHaveProperty("payer");
  expect(uptoEvm({ account: ACCOUNT }).payer).toBe(ACCOUNT.address);
  expect(uptoEvm()).not.toHaveProperty("payer");
});

test("an account does not present what another one that shares its store has signed", async () => {
  const store = memorySpendStore();
  let isLost = true;
  const shop = await openShop((request) =>
    isPaid(request) && isLost ? { status: 503 } : sell()(request),
  );
  const first = openBuyer({ store });
  expect(await outcomeOf(first.pay(shop.url))).toBeInstanceOf(PaymentUncertain);
  isLost = false;
  const second = openBuyer({ store, schemes: [exactEvm({ account: OTHER })] });
  expect((await second.pay(shop.url)).status).toBe(200);
  expect((await first.pay(shop.url)).status).toBe(200);
  expect(first.signed).toHaveLength(1);
  const payers = shop.received.filter(isPaid).map((request) => {
    const { authorization } = paymentOf(request).payload as { authorization: { from: string } };
    return authorization.from;
  });
  expect(payers.slice(-2)).toEqual([OTHER.address, ACCOUNT.address]);
});

test("the order in which schemes are given does not matter to a later call", async () => {
  const store = memorySpendStore();
  const own = exactEvm({ account: ACCOUNT });
  const other = { ...exactEvm({ account: OTHER }), family: "other" };
  let isLost = true;
  const shop = await openShop((request) =>
    isPaid(request) && isLost ? { status: 503 } : sell()(request),
  );
  await outcomeOf(openBuyer({ store, schemes: [own, other] }).pay(shop.url));
  isLost = false;
  expect((await openBuyer({ store, schemes: [other, own] }).pay(shop.url)).status).toBe(200);
  expect(await store.list()).toHaveLength(1);
});

const receipt = (change: object) => (): Reply => ({
  status: 200,
  headers: { "PAYMENT-RESPONSE": encodeHeader({ ...RECEIPT, ...change }) },
});

/** What the events say of a receipt, and what is kept of it. */
async function told(change: object) {
  const store = memorySpendStore();
  const shop = await openShop((request) => (isPaid(request) ? receipt(change)() : sell()(request)));
  const { pay, events } = openBuyer({ store });
  await (await pay(shop.url)).text();
  const [spend] = await store.list();
  return { spend, wrong: events.filter(({ type }) => type === "receipt_mismatch") };
}

test.each([
  {},
  { payer: ACCOUNT.address },
  { payer: ACCOUNT.address.toLowerCase() },
  { payer: "" },
])("a receipt that names %j is right", async (change) => {
  expect((await told(change)).wrong).toEqual([]);
});

test("a receipt that names another payer is a mismatch", async () => {
  expect((await told({ payer: OTHER.address })).wrong).toMatchObject([{ field: "payer" }]);
});

test.each(["", RECEIPT.transaction, "0.0.123@".replace("@", ":1"), "a_B-9"])(
  "the transaction %j of a receipt is kept",
  async (transaction) => {
    expect((await told({ transaction })).spend).toMatchObject({ state: "paid", transaction });
  },
);

test.each(["a b", "0x1\u001b[2J", "<b>", "x".repeat(129), "0x1\n"])(
  "the transaction %j of a receipt is not kept",
  async (transaction) => {
    const { spend } = await told({ transaction });
    expect(spend?.state).toBe("paid");
    expect(spend).not.toHaveProperty("transaction");
  },
);
