/** Every behaviour of the tables: what it may cost, how it ends, and that an honest server is paid after it. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { knownOffers, memorySpendStore, spendPolicy } from "../../../src/client/index.ts";
import { OFFER } from "../shop.ts";
import { exposure, nonces, openBuyer, outcomeOf } from "./meter.ts";
import { OFFERS } from "./offers.ts";
import { REPLIES } from "./replies.ts";
import { ask, deliver, openServer, type Behaviour } from "./server.ts";
import { WIRE } from "./wire.ts";

const LIMIT = 100_000n;
const CALL_MS = 5000;
/** The longest that a payment may be good for. */
const LIFETIME_SECONDS = 3600;
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

const unhandled: unknown[] = [];
const onUnhandled = (error: unknown) => void unhandled.push(error);
beforeAll(() => void process.on("unhandledRejection", onUnhandled));
afterAll(() => void process.off("unhandledRejection", onUnhandled));

/** How a call ended, in the words of the tables. */
async function endOf(call: Promise<Response>): Promise<string> {
  const outcome = await outcomeOf(call);
  if (outcome instanceof Response) {
    try {
      for await (const _ of outcome.body ?? []);
    } catch {
      return "aborted";
    }
    return String(outcome.status);
  }
  const { name, rule, code, message } = outcome as Record<string, string>;
  expect(message).not.toMatch(UNSEEN);
  expect(message?.length).toBeLessThan(20_000);
  if (name === "PaymentRefused") return `refused ${rule}`;
  if (name === "PaymentRejected") return "rejected";
  if (name === "PaymentUncertain") return "uncertain";
  if (code === "malformed_payment_required") return "malformed";
  if (code === "payload_too_large") return "too large";
  return name === "TypeError" || name === "TimeoutError" ? "network error" : `${name}: ${message}`;
}

async function meet(behaviour: Behaviour): Promise<void> {
  const { answer, ends, pinPayees = false, payFirst = false } = behaviour;
  const thief = await openServer(() => ask());
  const hostile = await openServer(answer, thief.url);
  const honest = await openServer(({ paid }) => (paid ? deliver() : ask()));
  const buyer = openBuyer({
    store: memorySpendStore(),
    maxAmount: "$0.1",
    policy: spendPolicy({ budgets: [{ limit: "$0.5" }], pinPayees }),
    ...(payFirst && { payFirst: knownOffers({ hosts: ["127.0.0.1"] }) }),
  });
  const signal = AbortSignal.timeout(CALL_MS);
  try {
    const seen: string[] = [];
    for (const _ of ends) seen.push(await endOf(buyer.pay(`${hostile.url}/x`, { signal })));
    expect(seen).toEqual(ends.map(String));

    const { signed, sent, events } = buyer;
    const most =
      /^refused|malformed|too large|network/.test(seen[0] ?? "") || seen[0] === "402" ? 0 : 1;
    const [signatures, different] = behaviour.signed ?? [most, most];
    expect(signed).toHaveLength(signatures);
    expect(nonces(signed)).toBe(different);
    const now = BigInt(Math.ceil(Date.now() / 1000));
    for (const { token, chainId, value, validBefore } of signed) {
      expect([token, chainId]).toEqual([OFFER.asset.toLowerCase(), 84_532]);
      expect(value <= LIMIT).toBe(true);
      expect(validBefore <= now + BigInt(LIFETIME_SECONDS)).toBe(true);
    }
    expect(exposure(signed) <= 500_000n).toBe(true);
    expect(sent.filter(({ origin }) => origin !== hostile.url)).toEqual([]);
    expect(thief.visits.filter(({ paid }) => paid)).toEqual([]);
    for (const event of events) {
      const { receipt: _, ...facts } = { receipt: undefined, ...event };
      expect(Object.values(facts).join(" ")).not.toMatch(UNSEEN);
      for (const { header } of sent) expect(JSON.stringify(event)).not.toContain(header);
    }

    expect(await endOf(buyer.pay(`${honest.url}/x`))).toBe("200");
    expect(buyer.signed).toHaveLength(signatures + 1);
  } finally {
    for (const server of [thief, hostile, honest]) server.close();
  }
}

describe.each([
  ["asks", OFFERS],
  ["answers", REPLIES],
  ["is heard on the wire", WIRE],
])("a server that %s as it likes", (_, behaviours) => {
  test.concurrent.each(behaviours.map((behaviour) => [behaviour.does, behaviour] as const))(
    "%s",
    (__, behaviour) => meet(behaviour),
  );
});

test("no rejection is left unhandled by all that", async () => {
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(unhandled).toEqual([]);
});
