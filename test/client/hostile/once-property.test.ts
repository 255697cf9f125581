/** Calls for one request, one after another: while a payment may be taken and nothing was delivered, there is no other. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { memorySpendStore, spendPolicy } from "../../../src/client/index.ts";
import { encodeHeader } from "../../../src/core/header.ts";
import { demand, OFFER, RECEIPT } from "../shop.ts";
import { withoutWaits } from "./no-waits.ts";
import { openBuyer } from "./meter.ts";

const receipt = (change: object) => ({
  "PAYMENT-RESPONSE": encodeHeader({ ...RECEIPT, ...change }),
});
const cut = () =>
  new ReadableStream({
    pull(controller) {
      controller.error(new TypeError("terminated"));
    },
  });
const ask = (amount: string, payTo: string, headers: object = {}) =>
  new Response("", {
    status: 402,
    headers: { ...demand({ accepts: [{ ...OFFER, amount, payTo }] }).headers, ...headers },
  });

/** What is answered to a payment; whether it says that the goods are delivered. */
const REPLIES: Record<string, (amount: string, payTo: string) => Response> = {
  delivers: () => new Response("the report"),
  "delivers with a receipt": () => new Response("the report", { headers: receipt({}) }),
  "is cut off in the body": () => new Response(cut(), { headers: receipt({}) }),
  "is busy": () => new Response("", { status: 503, headers: { "Retry-After": "0" } }),
  "is at it": () => new Response("", { status: 409 }),
  "does not find it": () => new Response("", { status: 404 }),
  redirects: () => new Response("", { status: 307, headers: { Location: "/x" } }),
  refuses: ask,
  "refuses without a word": () => new Response("", { status: 402 }),
  "refuses with a receipt": (amount, payTo) =>
    ask(amount, payTo, receipt({ success: false, errorReason: "insufficient_funds" })),
  "is pending": (amount, payTo) =>
    ask(amount, payTo, receipt({ success: false, errorReason: "settlement_pending" })),
  "refuses with a receipt of success": (amount, payTo) => ask(amount, payTo, receipt({})),
  "is cut off": () => {
    throw new TypeError("fetch failed");
  },
};

const callPlan = fc.record({
  amount: fc.constantFrom("10000", "10000", "20000", "5000", "900000"),
  payTo: fc.constantFrom(OFFER.payTo, OFFER.payTo, `0x${"c2".repeat(20)}`),
  replies: fc.array(fc.constantFrom(...Object.keys(REPLIES)), { minLength: 1, maxLength: 3 }),
  laterSeconds: fc.constantFrom(0, 0, 1, 100, 299, 301, 359, 361, 1000),
  confirmed: fc.constantFrom(true, true, true, false),
  aborts: fc.constantFrom("never", "never", "never", "confirming", "signing", "presenting"),
  wrapper: fc.constantFrom(0, 0, 1),
});

withoutWaits();

test("at most one payment of a request may be taken before it is delivered", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(callPlan, { minLength: 2, maxLength: 8 }),
      fc.boolean(),
      async (plans, hasStore) => {
        let nowMs = 1_800_000_000_000;
        let plan = plans[0]!;
        let presented = 0;
        let abort = new AbortController();
        const delivered = new Set<string>();
        /** When each nonce was last good for. */
        const open = new Map<string, number>();
        const store = memorySpendStore();
        const base: typeof fetch = async (_, init) => {
          const header = new Headers(init?.headers).get("PAYMENT-SIGNATURE");
          if (header === null) return ask(plan.amount, plan.payTo);
          if (plan.aborts === "presenting") abort.abort(new Error("enough"));
          if (init?.signal?.aborted === true) throw new Error("enough");
          const payment = JSON.parse(Buffer.from(header, "base64").toString()) as {
            payload: { authorization: { nonce: string } };
          };
          const name = plan.replies[presented++ % plan.replies.length]!;
          if (name.startsWith("delivers")) delivered.add(payment.payload.authorization.nonce);
          return REPLIES[name]!(plan.amount, plan.payTo);
        };
        const wrappers = [0, 1].map(() =>
          openBuyer({
            ...(hasStore && { store }),
            now: () => nowMs,
            retry: { attempts: 2 },
            fetch: base,
            onSign: () => {
              if (plan.aborts === "signing") abort.abort(new Error("enough"));
            },
            policy: spendPolicy({
              confirm: {
                ask: () => {
                  if (plan.aborts === "confirming") abort.abort(new Error("enough"));
                  return plan.confirmed;
                },
              },
            }),
          }),
        );
        for (plan of plans) {
          nowMs += plan.laterSeconds * 1000;
          [presented, abort] = [0, new AbortController()];
          const buyer = wrappers[hasStore ? plan.wrapper : 0]!;
          const before = buyer.sent.length;
          await buyer.pay("http://shop.example/x", { signal: abort.signal }).then(
            (response) => response.text().catch(() => ""),
            () => "",
          );
          for (const { header } of buyer.sent.slice(before)) {
            const { payload } = JSON.parse(Buffer.from(header, "base64").toString()) as {
              payload: { authorization: { nonce: string; validBefore: string } };
            };
            const { nonce, validBefore } = payload.authorization;
            for (const [other, untilMs] of open)
              if (other !== nonce && !delivered.has(other) && !open.has(nonce))
                expect(untilMs + 60_000).toBeLessThan(nowMs);
            open.set(nonce, Math.max(open.get(nonce) ?? 0, Number(validBefore) * 1000));
          }
        }
      },
    ),
    { numRuns: 200, interruptAfterTimeLimit: 8000, markInterruptAsFailure: false },
  );
});
