/** A process that ends, or a store that fails, at every step; then another server with the same claims. */
import { describe, expect, test } from "vitest";
import {
  FACILITATOR,
  faultAt,
  honestFacilitator,
  lapsingClaims,
  STORE,
  type Fault,
} from "./claim-faults.ts";
import { openShop, paymentFor, presenting } from "./world.ts";

const BODIES: Record<string, () => BodyInit> = {
  "a small body": () => "the report",
  "a body too large to keep": () => "the report".padEnd(100),
  "a stream": () => new Blob(["the ", "report"]).stream(),
};
const LIMITS = { maxStoredBytes: 50, maxResponseBytes: 1000 };
const MODES = ["after", "before"] as const;
const FAULTS = ["end", "fail", "lost"] as const;
const cases = MODES.flatMap((settle) =>
  Object.keys(BODIES).flatMap((body) => FAULTS.map((fault) => [settle, body, fault] as const)),
);

/** How many times a handler may run for one payment, for one fault. */
const MAX_RUNS = 2;

interface End {
  readonly steps: number;
  readonly struck: string | undefined;
}

/** One payment through a server with a fault, then through a sound one until it gets the content. */
async function run(
  settle: (typeof MODES)[number],
  body: string,
  fault: Fault,
  at: number,
): Promise<End> {
  const claims = lapsingClaims();
  const chain = honestFacilitator();
  const steps = faultAt(at, fault);
  let runs = 0;
  const serve = () => {
    runs += 1;
    return new Response(BODIES[body]!());
  };
  const identifier = { extensions: { "payment-identifier": { info: { id: "a".repeat(16) } } } };

  const broken = await openShop({
    settle,
    ...LIMITS,
    claims: steps.through(claims, STORE),
    facilitator: steps.through(chain.facilitator, FACILITATOR),
  });
  broken.handler = steps.through({ serve }, ["serve"]).serve;
  const payment = { ...paymentFor(broken.offer), ...identifier };
  const present = async (shop: typeof broken) => {
    const response = await shop.visit(presenting(payment));
    return { status: response.status, text: await response.text() };
  };
  const first = await Promise.race([present(broken), steps.ended]);
  const where = `step ${at}: ${steps.struck}`;
  if (first !== "ended" && first.status === 200) expect(chain.transfers, where).toBe(1);
  else if (first !== "ended") expect([402, 409, 500, 503], where).toContain(first.status);
  if (first !== "ended")
    expect(first.status, `${where}: no other payment is asked for`).not.toBe(402);
  claims.lapse();

  const sound = await openShop({ settle, ...LIMITS, claims, facilitator: chain.facilitator });
  sound.handler = serve;
  const delivered = first !== "ended" && first.text.startsWith("the report");
  const second = await present(sound);
  const isUsedUp = delivered && body !== "a small body" && second.status === 409;
  if (!isUsedUp) {
    expect(second.status, where).toBe(200);
    expect(second.text.trim(), where).toBe("the report");
  }
  expect(chain.transfers, where).toBe(1);
  expect(runs, where).toBeLessThanOrEqual(MAX_RUNS);
  return { steps: steps.count, struck: steps.struck };
}

describe("charged at most once, and never without the content", () => {
  test.each(cases)("settled %s, %s: %s at every step", async (settle, body, fault) => {
    let at = 1;
    const struck: string[] = [];
    for (;;) {
      const end = await run(settle, body, fault, at);
      if (end.struck === undefined) break;
      struck.push(end.struck);
      at += 1;
    }
    // Every kind of step was struck: the matrix is about something.
    for (const name of ["get", "verify", "claim", "serve", "write", "settle", "identify"])
      expect(struck).toContain(name);
  });
});
