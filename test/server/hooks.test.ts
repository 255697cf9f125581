import { describe, expect, test } from "vitest";
import { X402Error } from "../../src/core/errors.ts";
import type { PaywallHooks } from "../../src/server/index.ts";
import { lapsingClaims } from "./claim-faults.ts";
import { openShop, paymentFor, presenting, settled, URL_PAID, type Shop } from "./world.ts";

const GUARDS = ["onProtectedRequest", "onBeforeVerify", "onBeforeSettle"] as const;
const codeOf = async (response: Response) => ((await response.json()) as { code: unknown }).code;

const { offer } = await openShop();
const upfront = (await openShop({ settle: "before" })).offer;
const offerOf = (settle: "after" | "before") => (settle === "after" ? offer : upfront);

/** A shop that is not asked for its offer first: its guards may refuse that. */
async function strictShop(hooks: PaywallHooks, settle: "after" | "before"): Promise<Shop> {
  let open = true;
  const { onProtectedRequest } = hooks;
  const shop = await openShop({
    settle,
    ...hooks,
    ...(onProtectedRequest && {
      onProtectedRequest: (request) => (open ? undefined : onProtectedRequest(request)),
    }),
  });
  open = false;
  return shop;
}

describe.each(["after", "before"] as const)("a guard (settled %s)", (settle) => {
  test.each(GUARDS)("%s that refuses: 403 with its reason, nothing is charged", async (name) => {
    const shop = await strictShop(
      { [name]: () => ({ abort: true, reason: "not in your country" }) },
      settle,
    );
    const payment = paymentFor(offerOf(settle));
    for (let i = 0; i < 2; i++) {
      const response = await shop.visit(presenting(payment));
      expect(response.status).toBe(403);
      expect(response.headers.get("Cache-Control")).toBe("no-store");
      expect(await response.json()).toMatchObject({
        code: "request_refused",
        detail: "not in your country",
      });
    }
    expect(shop.facilitator.settles).toEqual([]);
    expect(shop.handlerRuns).toBe(name === "onBeforeSettle" && settle === "after" ? 2 : 0);
  });

  test.each(GUARDS)(
    "%s that throws: closed, without its text, nothing is charged",
    async (name) => {
      for (const fail of [
        () => Promise.reject(new Error("secret: table")),
        (): never => {
          throw new TypeError("secret: undefined");
        },
      ]) {
        const shop = await strictShop({ [name]: fail }, settle);
        const response = await shop.visit(presenting(paymentFor(offerOf(settle))));
        expect(response.status).toBe(503);
        const body = await response.text();
        expect(body).toContain("hook_failed");
        expect(body).not.toContain("secret");
        expect(shop.facilitator.settles).toEqual([]);
      }
    },
  );

  test("onBeforeSettle is asked once for a payment, before any facilitator is asked to settle", async () => {
    let asked = 0;
    const shop = await strictShop(
      {
        onBeforeSettle({ request, requirements, paymentPayload }) {
          asked += 1;
          expect(shop.facilitator.settles).toEqual([]);
          expect(request.url).toBe(URL_PAID);
          expect(requirements).toEqual(offerOf(settle));
          expect(paymentPayload.accepted).toEqual(requirements);
        },
      },
      settle,
    );
    const payment = paymentFor(offerOf(settle));
    shop.facilitator.onSettle = () => Promise.reject(new Error("down"));
    expect((await shop.visit(presenting(payment))).status).toBe(503);
    shop.facilitator.onSettle = settled;
    expect((await shop.visit(presenting(payment))).status).toBe(200);
    expect(asked).toBe(1);
  });

  test("onBeforeSettle that refused is asked again, even if the claim could not be removed", async () => {
    const claims = lapsingClaims();
    claims.forget = () => {
      throw new X402Error("ledger_unavailable", "down", { retry: "unsafe" });
    };
    let allowed = false;
    const refusal = { abort: true, reason: "sold out" } as const;
    const shop = await openShop({
      settle,
      claims,
      onBeforeSettle: () => (allowed ? undefined : refusal),
    });
    const payment = paymentFor(shop.offer);
    for (let i = 0; i < 2; i++) {
      expect((await shop.visit(presenting(payment))).status).toBe(403);
      claims.lapse();
    }
    expect(shop.facilitator.settles).toEqual([]);
    allowed = true;
    expect((await shop.visit(presenting(payment))).status).toBe(200);
  });
});

describe("onProtectedRequest", () => {
  test("may let in without payment: the response goes out as it is", async () => {
    const free = await strictShop({ onProtectedRequest: () => ({ grantAccess: true }) }, "after");
    for (const request of [new Request(URL_PAID), presenting(paymentFor(offer))]) {
      const response = await free.visit(request);
      expect(response.status).toBe(200);
      expect(response.headers.get("PAYMENT-RESPONSE")).toBeNull();
    }
    expect(free.facilitator.verifies).toEqual([]);
  });

  test.each([{ grantAccess: false }, { grantAccess: "true" }, {}, true, "yes", 1, null, undefined])(
    "that says %j lets nobody in",
    async (said) => {
      const onProtectedRequest = (() => said) as unknown as () => undefined;
      const shop = await strictShop({ onProtectedRequest }, "after");
      expect((await shop.visit(new Request(URL_PAID))).status).toBe(402);
      expect(shop.handlerRuns).toBe(0);
    },
  );

  test("that refuses, refuses without a payment as well", async () => {
    const shop = await strictShop(
      { onProtectedRequest: () => ({ abort: true, reason: "no" }) },
      "after",
    );
    const response = await shop.visit(new Request(URL_PAID));
    expect(response.status).toBe(403);
    expect(await codeOf(response)).toBe("request_refused");
  });
});
