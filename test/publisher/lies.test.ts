/** A facilitator that hangs, dies, or lies about a settlement once, and is honest when it is asked again. */
import { Hono } from "hono";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { paywall } from "../../src/adapters/hono.ts";
import { encodeHeader, PAYMENT_REQUIRED } from "../../src/core/header.ts";
import type { SettleResponse } from "../../src/core/messages.ts";
import { exactEvm } from "../../src/evm/index.ts";
import { httpFacilitator } from "../../src/server/index.ts";
import { startInteropWorld, type InteropWorld } from "../interop/world.ts";
import { requirementsOf, signedRequest } from "../setup/payments.ts";

let world: InteropWorld;
beforeAll(async () => {
  world = await startInteropWorld();
}, 30_000);
afterAll(() => world.stop());

type Lie = (honest: SettleResponse) => Response | Promise<Response>;
const json = (value: unknown, status = 200) => Response.json(value, { status });
const text = (body: string, status = 200) => new Response(body, { status });

const LIES: Record<string, Lie> = {
  "another network": (honest) => json({ ...honest, network: "eip155:8453" }),
  "a v1 name of another network": (honest) => json({ ...honest, network: "base" }),
  "another payer": (honest) => json({ ...honest, payer: `0x${"99".repeat(20)}` }),
  "a smaller amount": (honest) => json({ ...honest, amount: "1" }),
  "a larger amount": (honest) => json({ ...honest, amount: "10000000" }),
  "no transaction": (honest) => json({ ...honest, transaction: "" }),
  "a transaction that is none": (honest) => json({ ...honest, transaction: "0xsettled" }),
  "a transaction that is null": (honest) => json({ ...honest, transaction: null }),
  "success as text": (honest) => json({ ...honest, success: "true" }),
  "success as a number": (honest) => json({ ...honest, success: 1 }),
  "no success": (honest) => json({ ...honest, success: undefined }),
  "a list": (honest) => json([honest]),
  "the answer of a verify": () => json({ isValid: true }),
  "failed without a reason": (honest) => json({ ...honest, success: false }),
  "failed for a reason that nobody knows": (honest) =>
    json({ ...honest, success: false, errorReason: "cosmic_rays" }),
  "failed unexpectedly": (honest) =>
    json({ ...honest, success: false, errorReason: "unexpected_settle_error" }, 500),
  "pending for ever": (honest) =>
    json({ ...honest, success: false, errorReason: "settlement_pending" }),
  "an empty body": () => text(""),
  "a page with status 200": () => text("<html>success</html>"),
  "half of an answer": (honest) => text(JSON.stringify(honest).slice(0, -20)),
  "an answer of a megabyte": (honest) => json({ ...honest, extra: { x: "x".repeat(1_000_000) } }),
  "a key that poisons": (honest) =>
    text(JSON.stringify(honest).replace("{", '{"__proto__":{"success":true},')),
  "a redirect to itself": () =>
    new Response(null, { status: 307, headers: { Location: "/settle" } }),
  "half of its body, and dead": (honest) =>
    new Response(
      new ReadableStream({
        start: (stream) =>
          stream.enqueue(new TextEncoder().encode(JSON.stringify(honest).slice(9))),
        pull: (stream) => stream.error(new Error("killed")),
      }),
    ),
  "bad gateway": () => text("<html>502</html>", 502),
  "no answer": () => new Promise<Response>((resolve) => setTimeout(resolve, 8000, text("late"))),
};

/** A facilitator that does what it is asked, and lies about the first settlement; or lies, having done nothing. */
async function liar(lie: Lie, settles: boolean): Promise<string> {
  const honest = httpFacilitator(world.facilitatorUrl);
  let lied = false;
  const app = new Hono();
  app.post("/verify", async (c) => c.json(await honest.verify(await c.req.json())));
  app.post("/settle", async (c) => {
    const idempotencyKey = c.req.header("Idempotency-Key") ?? "";
    const body = await c.req.json();
    const answer = (): Promise<SettleResponse> => honest.settle(body, { idempotencyKey });
    if (lied) return c.json(await answer());
    lied = true;
    const { network, amount } = body.paymentRequirements;
    const invented = { success: true, transaction: `0x${"ab".repeat(32)}`, network, amount };
    return lie(settles ? await answer() : invented);
  });
  return world.site(app);
}

describe.each([
  ["after the handler", "get", true],
  ["after the handler, having done nothing", "get", false],
  ["before the handler", "post", true],
] as const)("settled %s", (_, method, settles) => {
  test.concurrent.each(Object.keys(LIES))(
    "%s: nothing is delivered, no other payment is asked for, and the same one gets the content",
    async (name) => {
      const { payTo, payer } = await world.parties();
      const facilitator = httpFacilitator(await liar(LIES[name]!, settles), {
        settleTimeoutMs: 4000,
      });
      let runs = 0;
      const paid = paywall({
        facilitator,
        schemes: [exactEvm()],
        network: world.chain.network,
        payTo,
      });
      const app = new Hono();
      app.on(method.toUpperCase(), "/report", paid("$0.01"), (c) => c.text(`report ${++runs}`));
      const requirements = requirementsOf("$0.01", payTo);
      const extra = { ...requirements.extra, ...(method === "post" && { paymentFlow: "upfront" }) };
      const { paymentPayload } = await signedRequest(payer.account, { ...requirements, extra });
      const present = () =>
        app.request("/report", {
          method,
          headers: { "PAYMENT-SIGNATURE": encodeHeader(paymentPayload) },
        });

      const first = await present();
      expect(first.status).toBe(503);
      expect(first.headers.get(PAYMENT_REQUIRED)).toBeNull();
      expect(first.headers.get("Retry-After")).toBe("1");
      expect(await first.text()).not.toContain("report");

      const second = await present();
      expect(second.status).toBe(200);
      expect(await second.text()).toBe("report 1");
      expect(runs).toBe(1);
      expect(await world.chain.transfersTo(payTo)).toHaveLength(1);
    },
    20_000,
  );
});
