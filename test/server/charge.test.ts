import { describe, expect, test } from "vitest";
import type { ServerScheme } from "../../src/core/scheme.ts";
import { exactEvm, uptoEvm } from "../../src/evm/index.ts";
import type { Payment } from "../../src/server/index.ts";
import { failedWith, openShop, paymentFor, presenting, receiptOf, settled } from "./world.ts";

const upto: ServerScheme = uptoEvm({ facilitatorAddress: `0x${"fa".repeat(20)}` });
/** A scheme of the same name for another kind of chain. */
const elsewhere: ServerScheme = {
  ...upto,
  family: "solana",
  charge: () => {
    throw new TypeError("not this one");
  },
};
const schemes = [elsewhere, upto, exactEvm()];
const open = (extra: Record<string, unknown> = {}, options = {}) =>
  openShop({ schemes, ...options }, { accepts: [{ scheme: "upto", price: "$0.01", extra }] });

/** What a handler gets that charges: the amounts that were settled, and what `charge` threw. */
async function charging(charge: (payment: Payment) => void, options = {}) {
  const shop = await open({}, options);
  let thrown: unknown;
  shop.handler = (payment) => {
    try {
      charge(payment!);
    } catch (error) {
      thrown = error;
    }
    return new Response("the report");
  };
  const response = await shop.visit();
  const amounts = shop.facilitator.settles.map(({ request }) => request.paymentRequirements.amount);
  return { shop, response, thrown, amounts };
}

describe("a handler that charges by use", () => {
  test.each<[string, (payment: Payment) => void, string]>([
    ["nothing said: all that was signed", () => undefined, "10000"],
    ["a part, in atomic units", (payment) => payment.charge(4000n), "4000"],
    ["a part, as a price", (payment) => payment.charge("0.004"), "4000"],
    ["nothing", (payment) => payment.charge(0n), "0"],
    ["twice: the last counts", (payment) => (payment.charge(1n), payment.charge(9n)), "9"],
  ])("%s", async (_, charge, amount) => {
    const { response, amounts, shop } = await charging(charge);
    expect(response.status).toBe(200);
    expect(amounts).toEqual([amount]);
    expect(receiptOf(response).amount).toBe(amount);
    const accepted = shop.facilitator.settles[0]?.request.paymentPayload.accepted;
    expect(accepted, "what was signed stays").toEqual(shop.offer);
  });

  test("more than was signed is a TypeError, and what was said before counts", async () => {
    const { thrown, amounts } = await charging((payment) => {
      payment.charge(5n);
      payment.charge(10_001n);
    });
    expect(thrown).toBeInstanceOf(TypeError);
    expect(amounts).toEqual(["5"]);
  });

  test("after its response is a TypeError, and changes nothing", async () => {
    let late: Payment | undefined;
    const { amounts } = await charging((payment) => void (late = payment));
    expect(() => late?.charge(1n)).toThrow(/after the response/);
    expect(amounts).toEqual(["10000"]);
  });

  test("and then fails, is not paid at all", async () => {
    const shop = await open();
    shop.handler = (payment) => (payment?.charge(1n), new Response("no", { status: 500 }));
    await shop.visit();
    expect(shop.facilitator.settles).toEqual([]);
  });

  test("what a facilitator settled is compared with the charge, not with what was signed", async () => {
    const shop = await open();
    shop.handler = (payment) => (payment?.charge(4000n), new Response("the report"));
    shop.facilitator.onSettle = (call) => ({ ...settled(call), amount: "10000" });
    expect((await shop.visit()).status).toBe(503);
  });

  test("what was charged stays, when the settlement is unknown or the handler runs again", async () => {
    const shop = await open({}, { maxStoredBytes: 4 });
    const payment = paymentFor(shop.offer);
    let amount = 4000n;
    shop.handler = (paid) => (paid?.charge(amount), new Response("the report"));
    shop.facilitator.onSettle = () => failedWith("settlement_pending");
    expect((await shop.visit(presenting(payment))).status).toBe(503);
    shop.facilitator.onSettle = settled;
    amount = 9000n;
    const response = await shop.visit(presenting(payment));
    expect(await response.text()).toBe("the report");
    expect(receiptOf(response).amount).toBe("4000");
    expect(shop.handlerRuns).toBe(2);
  });

  test("is told to the guard that is asked before it is settled", async () => {
    let asked: string | undefined;
    await charging((payment) => payment.charge(4000n), {
      onBeforeSettle: ({ requirements }: { requirements: { amount: string } }) =>
        void (asked = requirements.amount),
    });
    expect(asked).toBe("4000");
  });
});

describe("a handler that says the charge in Settlement-Overrides", () => {
  const overriding = (text: string, status = 200) =>
    new Response("the report", { status, headers: { "Settlement-Overrides": text } });

  test.each([
    ['{"amount":"4000"}', "4000"],
    ['{"amount":"0"}', "0"],
    ['{"amount":"50%"}', "5000"],
    ['{"amount":"33.33%"}', "3333"],
    ['{"amount":"100%"}', "10000"],
  ])("%s", async (text, amount) => {
    const shop = await open();
    shop.handler = () => overriding(text);
    const response = await shop.visit();
    expect(receiptOf(response).amount).toBe(amount);
    expect(response.headers.has("settlement-overrides")).toBe(false);
    expect(await response.text()).toBe("the report");
  });

  test.each(["", "{}", "4000", '{"amount":4000}', '{"amount":"-1"}', '{"amount":"10001"}', "null"])(
    "%j: nothing is charged, and nothing delivered",
    async (text) => {
      const shop = await open();
      shop.handler = () => overriding(text);
      const response = await shop.visit();
      expect(response.status).toBeGreaterThanOrEqual(500);
      expect(shop.facilitator.settles).toEqual([]);
      expect(await response.text()).not.toContain("the report");
    },
  );

  test.each(['{"amount":"0"}', '{"amount":"10000"}', "nonsense"])(
    "%s, perhaps of a response that is passed on: what `charge` said counts",
    async (text) => {
      const shop = await open();
      shop.handler = (payment) => (payment?.charge(4000n), overriding(text));
      const response = await shop.visit();
      expect(receiptOf(response).amount).toBe("4000");
      expect(response.headers.has("settlement-overrides")).toBe(false);
    },
  );

  test("it is not told to the buyer where it does not count, nor with what is stored", async () => {
    const shop = await openShop();
    const payment = paymentFor(shop.offer);
    shop.handler = () => overriding('{"amount":"1"}');
    for (let visit = 0; visit < 2; visit++) {
      const response = await shop.visit(presenting(payment));
      expect(receiptOf(response).amount).toBe("10000");
      expect(response.headers.has("settlement-overrides")).toBe(false);
    }
    const failing = await open();
    failing.handler = () => overriding('{"amount":"1"}', 404);
    expect((await failing.visit()).headers.has("settlement-overrides")).toBe(false);
    expect(failing.facilitator.settles).toEqual([]);
  });
});

test("a scheme that charges its price as it is: charge is a TypeError, the price is charged", async () => {
  const shop = await openShop();
  let thrown: unknown;
  shop.handler = (payment) => {
    try {
      payment?.charge(1n);
    } catch (error) {
      thrown = error;
    }
    return new Response("the report");
  };
  expect(receiptOf(await shop.visit()).amount).toBe("10000");
  expect(thrown).toBeInstanceOf(TypeError);
});

describe("charged by use is never settled before the use", () => {
  test("whatever the method and the default say", async () => {
    const init = { method: "POST" };
    const accepts = [{ scheme: "upto", price: "$0.01" }];
    const shop = await openShop({ schemes, settle: "before" }, { accepts, init });
    expect(shop.offer.extra).not.toHaveProperty("paymentFlow");
    let settles = -1;
    shop.handler = () => ((settles = shop.facilitator.settles.length), new Response("x"));
    await shop.visit(presenting(paymentFor(shop.offer), undefined, init));
    expect(settles).toBe(0);
  });

  test("an offer that says so is a TypeError", async () => {
    await expect(open({ paymentFlow: "upfront" })).rejects.toThrow(/paymentFlow/);
    const extra = { name: "USDC", version: "2", paymentFlow: "upfront" };
    const asset = "0x036CbD53842c5426634e7929541eC2318f3dCF7e";
    const price = { amount: "10000", asset, extra };
    await expect(openShop({ schemes }, { accepts: [{ scheme: "upto", price }] })).rejects.toThrow(
      /paymentFlow/,
    );
  });
});

test("a flow in the price's own extra counts as one in the offer's", async () => {
  const extra = { name: "USDC", version: "2", paymentFlow: "escrow" };
  const asset = "0x036CbD53842c5426634e7929541eC2318f3dCF7e";
  const accepts = [{ price: { amount: "10000", asset, extra } }];
  await expect(openShop({}, { accepts })).rejects.toThrow(/paymentFlow/);
});

describe.each(["after", "before"] as const)("what is no response (settled %s)", (settle) => {
  test.each([0, 101])("status %i is never delivered as one", async (status) => {
    const shop = await openShop({ settle });
    const payment = paymentFor(shop.offer);
    shop.handler = () =>
      status === 0
        ? Response.error()
        : new Proxy(new Response(null), {
            get: (target, name) => (name === "status" ? status : Reflect.get(target, name, target)),
          });
    const response = await shop.visit(presenting(payment));
    expect(response.status).toBeGreaterThanOrEqual(500);
    expect(shop.facilitator.settles).toHaveLength(settle === "after" ? 0 : 1);
    shop.handler = () => new Response("the report");
    expect((await shop.visit(presenting(payment))).status).toBe(200);
    expect(shop.facilitator.settles).toHaveLength(1);
  });

  test("a receipt of the handler's own does not stand beside the payment's", async () => {
    const shop = await openShop({ settle });
    shop.handler = () => new Response("x", { headers: { "Payment-Response": "bm8=" } });
    expect(receiptOf(await shop.visit()).success).toBe(true);
  });
});
