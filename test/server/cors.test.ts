import { describe, expect, test } from "vitest";
import { failedWith, openShop, paymentFor, presenting, URL_PAID, type Shop } from "./world.ts";

const ORIGIN = "https://app.example";
const from = (origin: string, init: RequestInit = {}): RequestInit => ({
  ...init,
  headers: { Origin: origin, ...(init.headers as Record<string, string> | undefined) },
});
const preflight = (origin = ORIGIN) =>
  new Request(
    URL_PAID,
    from(origin, { method: "OPTIONS", headers: { "Access-Control-Request-Method": "GET" } }),
  );
const listOf = (response: Response, name: string) =>
  (response.headers.get(name) ?? "").toLowerCase().split(/,\s*/);
const allowed = (response: Response) => response.headers.get("Access-Control-Allow-Origin");
const exposed = (response: Response) => listOf(response, "Access-Control-Expose-Headers");
const EXPOSED = ["payment-required", "payment-response", "x-payment-response"];

/** Every kind of answer that a paywall gives to a request that is not a preflight. */
async function answersOf(shop: Shop, origin: string): Promise<Record<string, Response>> {
  const payment = paymentFor(shop.offer);
  const paid = () => shop.visit(presenting(payment, URL_PAID, from(origin)));
  const answers: Record<string, Response> = {
    unpaid: await shop.visit(new Request(URL_PAID, from(origin))),
    paid: await paid(),
    "paid, again": await paid(),
  };
  const other = () => shop.visit(presenting(paymentFor(shop.offer), URL_PAID, from(origin)));
  shop.handler = () => new Response("no", { status: 404 });
  answers["handler that failed"] = await other();
  shop.handler = () => new Response("yes");
  shop.facilitator.onSettle = () => failedWith("settlement_pending");
  answers["settlement pending"] = await other();
  const malformed = { Origin: origin, "PAYMENT-SIGNATURE": "?" };
  answers["malformed"] = await shop.visit(new Request(URL_PAID, { headers: malformed }));
  return answers;
}

describe("with cors: true", () => {
  test("a preflight is answered for anybody, and neither priced nor given to the app", async () => {
    const shop = await openShop({ cors: true });
    const response = await shop.visit(preflight());
    expect(response.status).toBe(204);
    expect(allowed(response)).toBe("*");
    expect(listOf(response, "Access-Control-Allow-Headers")).toEqual(
      expect.arrayContaining(["payment-signature", "x-payment", "content-type"]),
    );
    expect(listOf(response, "Access-Control-Allow-Methods")).toContain("post");
    expect(response.headers.get("Access-Control-Max-Age")).toBe("600");
    expect(response.headers.get("Access-Control-Allow-Credentials")).toBeNull();
    expect(shop.handlerRuns).toBe(0);
  });

  test("scripts of any origin may read every answer, with its payment headers", async () => {
    for (const [name, response] of Object.entries(
      await answersOf(await openShop({ cors: true }), ORIGIN),
    )) {
      expect(allowed(response), name).toBe("*");
      expect(exposed(response), name).toEqual(EXPOSED);
    }
  });

  test("what the handler says of its own is kept, and what it exposes stays exposed", async () => {
    const shop = await openShop({ cors: true });
    const own = {
      "Access-Control-Allow-Origin": ORIGIN,
      "Access-Control-Expose-Headers": "X-Page",
      Vary: "Origin",
    };
    shop.handler = () => new Response("the report", { headers: own });
    const response = await shop.visit();
    expect(allowed(response)).toBe(ORIGIN);
    expect(exposed(response)).toEqual(["x-page", ...EXPOSED]);
    expect(listOf(response, "Vary")).toEqual(["origin", "payment-signature", "x-payment"]);
  });
});

describe("with certain origins", () => {
  const cors = {
    origins: [ORIGIN],
    allowHeaders: ["X-Own"],
    allowMethods: ["GET"],
    maxAgeSeconds: 5,
  };

  test("they alone may ask and read, and every answer varies by origin", async () => {
    for (const [origin, welcome] of [
      [ORIGIN, true],
      ["https://app.example.evil", false],
      ["null", false],
    ] as const) {
      const shop = await openShop({ cors });
      const answers = {
        ...(await answersOf(shop, origin)),
        preflight: await shop.visit(preflight(origin)),
      };
      for (const [name, response] of Object.entries(answers)) {
        expect(allowed(response), name).toBe(welcome ? origin : null);
        expect(listOf(response, "Vary"), name).toContain("origin");
      }
    }
  });

  test("a preflight says what may be sent", async () => {
    const response = await (await openShop({ cors })).visit(preflight());
    expect(listOf(response, "Access-Control-Allow-Headers")).toContain("x-own");
    expect(response.headers.get("Access-Control-Allow-Methods")).toBe("GET");
    expect(response.headers.get("Access-Control-Max-Age")).toBe("5");
  });

  test.each(["https://app.example/", "app.example", "*", "null", "https://app.example/path"])(
    "%s is no origin",
    async (origin) => {
      await expect(openShop({ cors: { origins: [origin] } })).rejects.toThrow(/cors\.origins/);
    },
  );
});

describe("without cors", () => {
  test("the app's own rules hold; the payment headers are exposed", async () => {
    for (const [name, response] of Object.entries(await answersOf(await openShop(), ORIGIN))) {
      expect(allowed(response), name).toBeNull();
      expect(exposed(response), name).toEqual(EXPOSED);
    }
  });

  test("with cors: false there is not a single header of it", async () => {
    const shop = await openShop({ cors: false });
    const answers = {
      ...(await answersOf(shop, ORIGIN)),
      preflight: await shop.visit(preflight()),
    };
    for (const [name, response] of Object.entries(answers)) {
      const names = [...response.headers.keys()].filter((key) => key.startsWith("access-control"));
      expect(names, name).toEqual([]);
    }
  });

  /** A handler that takes all methods would give its content to whoever calls the request a preflight. */
  test.each([undefined, false, true])(
    "a request that looks like a preflight never reaches the handler (cors: %s)",
    async (cors) => {
      const shop = await openShop(cors === undefined ? {} : { cors });
      const response = await shop.visit(preflight());
      expect(response.status).toBe(204);
      expect(await response.text()).toBe("");
      expect(shop.handlerRuns).toBe(0);
    },
  );
});

test("OPTIONS that is no preflight is priced", async () => {
  const shop = await openShop({ cors: true });
  expect((await shop.visit(new Request(URL_PAID, { method: "OPTIONS" }))).status).toBe(402);
});
