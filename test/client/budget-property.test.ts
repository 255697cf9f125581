/**
 * Whatever servers answer, in whatever order, and however calls interleave: no more is signed than the budgets allow,
 * every signature is written down before it is sent, and signatures that exclude each other count once.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  knownOffers,
  spendPolicy,
  wrapFetchWithPayment,
  type Budget,
} from "../../src/client/index.ts";
import { encodeHeader } from "../../src/core/header.ts";
import { exactEvm } from "../../src/evm/index.ts";
import { withoutWaits } from "./hostile/no-waits.ts";
import { mostIn, recorded, type Written } from "./hostile/recorded-store.ts";
import { demand, OFFER, RECEIPT } from "./shop.ts";

const PAYEES = [OFFER.payTo, `0x${"c2".repeat(20)}`] as const;
const HOSTS = ["a.example", "b.example", "c.example"] as const;
const SIGNATURE = `0x${"11".repeat(65)}` as const;
const ADDRESS = "0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A";

/** What a server does with a payment. */
const REPLIES = {
  delivers: () => new Response("the report"),
  "delivers with a receipt": () =>
    new Response("the report", { headers: { "PAYMENT-RESPONSE": encodeHeader(RECEIPT) } }),
  "is cut off in the body": () =>
    new Response(
      new ReadableStream({
        pull(controller) {
          controller.error(new TypeError("terminated"));
        },
      }),
    ),
  "is busy": () => new Response("", { status: 503, headers: { "Retry-After": "0" } }),
  "is at it": () => new Response("", { status: 409 }),
  "does not find it": () => new Response("", { status: 404 }),
  redirects: () => new Response("", { status: 307, headers: { Location: "http://b.example/" } }),
  "says that it is pending": () =>
    new Response("", {
      status: 402,
      headers: {
        "PAYMENT-RESPONSE": encodeHeader({
          ...RECEIPT,
          success: false,
          errorReason: "settlement_pending",
        }),
      },
    }),
  refuses: undefined,
  "is cut off": undefined,
} as const;
type ReplyName = keyof typeof REPLIES;

interface CallPlan {
  readonly host: (typeof HOSTS)[number];
  readonly path: string;
  /** What is asked for in answer to this request, and to each refused payment. */
  readonly price: number;
  readonly payee: (typeof PAYEES)[number];
  readonly replies: readonly ReplyName[];
  readonly later: number;
  /** Whether the caller gives up at some moment. */
  readonly aborts: boolean;
}

const callPlan: fc.Arbitrary<CallPlan> = fc.record({
  host: fc.constantFrom(...HOSTS),
  path: fc.constantFrom("/x", "/x", "/y"),
  price: fc.integer({ min: 0, max: 40_000 }),
  payee: fc.constantFrom(...PAYEES),
  replies: fc.array(fc.constantFrom(...(Object.keys(REPLIES) as ReplyName[])), {
    minLength: 1,
    maxLength: 3,
  }),
  later: fc.constantFrom(0, 0, 1, 30, 59, 61, 365, 1000),
  aborts: fc.constantFrom(false, false, false, true),
});

const limit = fc.integer({ min: 1, max: 90_000 });
const windowSeconds = fc.constantFrom(undefined, 5, 60, 900);
const scope = fc.constantFrom<Pick<Budget, "by" | "host" | "payee">>(
  {},
  { by: "host" },
  { by: "payee" },
  { host: "a.example" },
  { payee: PAYEES[1] },
);
const budget = fc.record({ limit, windowSeconds, scope });

withoutWaits();

test("no order of calls and answers signs more than the budgets allow", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(budget, { minLength: 1, maxLength: 3 }),
      fc.array(callPlan, { minLength: 1, maxLength: 10 }),
      fc.boolean(),
      async (scheduler, budgets, plans, atOnce) => {
        let nowMs = 1_800_000_000_000;
        const written: Written[] = [];
        const unwritten: string[] = [];
        let signatures = 0;
        const store = recorded(written);

        const call = (plan: CallPlan) => {
          let presented = 0;
          const base: typeof fetch = async (_, init) => {
            const header = new Headers(init?.headers).get("PAYMENT-SIGNATURE");
            const offer = { ...OFFER, amount: String(plan.price), payTo: plan.payee };
            const { headers } = demand({ accepts: [offer] });
            if (header !== null) {
              const spends = await store.list({ states: ["pending", "answered", "rejected"] });
              if (!spends.some((spend) => spend.headers?.["PAYMENT-SIGNATURE"] === header))
                unwritten.push(header);
            }
            await scheduler.schedule(Promise.resolve(), `${plan.host}${plan.path}`);
            init?.signal?.throwIfAborted();
            if (header === null) return new Response("", { status: 402, headers: headers ?? {} });
            const name = plan.replies[presented++ % plan.replies.length] ?? "refuses";
            if (name === "is cut off") throw new TypeError("fetch failed");
            return REPLIES[name]?.() ?? new Response("", { status: 402, headers: headers ?? {} });
          };
          return base;
        };
        const bases = new Map<string, typeof fetch>();
        const pay = wrapFetchWithPayment(
          (input, init) => {
            const key = new Headers(init?.headers).get("X-Call") ?? "";
            return (bases.get(key) as typeof fetch)(input, init);
          },
          {
            schemes: [
              exactEvm({
                account: {
                  address: ADDRESS,
                  async signTypedData() {
                    signatures += 1;
                    await scheduler.schedule(Promise.resolve(), "sign");
                    return SIGNATURE;
                  },
                },
              }),
            ],
            store,
            now: () => nowMs,
            retry: { attempts: 2 },
            ...(atOnce && { payFirst: knownOffers({ hosts: ["*.example"], now: () => nowMs }) }),
            policy: spendPolicy({
              budgets: budgets.map(({ limit: max, windowSeconds: window, scope: of }) => ({
                limit: (max / 1e6).toFixed(6),
                ...(window !== undefined && { windowSeconds: window }),
                ...of,
              })),
            }),
          },
        );
        const calls = plans.map(async (plan, index) => {
          await scheduler.schedule(Promise.resolve(), `call ${index}`);
          nowMs += plan.later * 1000;
          bases.set(String(index), call(plan));
          const headers = { "X-Call": String(index) };
          const abort = new AbortController();
          const { signal } = abort;
          if (plan.aborts)
            void scheduler.schedule(Promise.resolve(), "abort").then(() => abort.abort());
          await pay(`http://${plan.host}${plan.path}`, { headers, signal }).then(
            (response) => response.text().catch(() => ""),
            () => "",
          );
        });
        await scheduler.waitFor(Promise.all(calls));

        expect(unwritten).toEqual([]);
        // What is signed for a caller who has gone is dropped.
        expect(written.length).toBeLessThanOrEqual(signatures);
        if (!plans.some(({ aborts }) => aborts)) expect(written).toHaveLength(signatures);
        const nonces = new Set(written.map(({ nonce }) => nonce)).size;
        expect(nonces).toBeLessThanOrEqual(plans.length);
        expect(written.length).toBeLessThanOrEqual(plans.length * (atOnce ? 2 : 1));
        for (const one of budgets)
          expect(
            mostIn(
              {
                ...one.scope,
                ...(one.windowSeconds !== undefined && { windowSeconds: one.windowSeconds }),
              },
              written,
            ),
          ).toBeLessThanOrEqual(one.limit);
        const signed = written.reduce((sum, { adds }) => sum + adds, 0);
        expect(await store.spent("total", "USD", nowMs)).toBeGreaterThanOrEqual(signed);
        expect(await store.list({ states: ["reserved"] })).toEqual([]);
      },
    ),
    { numRuns: 300, interruptAfterTimeLimit: 10_000, markInterruptAsFailure: false },
  );
});
