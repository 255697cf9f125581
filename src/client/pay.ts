/** A call that was answered 402: what an earlier call left is finished first, then one payment is made. */
import { PaymentRefused, PaymentUncertain } from "./errors.ts";
import type { Demand } from "./payment-required.ts";
import { present, type Outcome } from "./present.ts";
import type { Replayable } from "./replay.ts";
import { isOpen, signPayment, type Call } from "./sign.ts";
import { sleep } from "./sleep.ts";
import type { Spend } from "./spend-store.ts";
import type { Wallet } from "./wallet.ts";

const POLL_MS = 200;

/**
 * @returns what the server answered, or that it takes no payment and what it asks for instead.
 * @throws PaymentRefused, PaymentRejected (of an earlier payment), PaymentUncertain; and what the store throws.
 */
export async function pay(
  wallet: Wallet,
  request: Replayable,
  call: Call,
  demand: Demand,
): Promise<Outcome> {
  const left =
    call.request === undefined ? undefined : await takeOver(wallet, call.request, request);
  const earlier = left && (await finish(wallet, left, request, demand));
  if (earlier !== undefined && !("id" in earlier)) return earlier;
  let spend: Spend;
  try {
    spend = await signPayment(wallet, call, demand, earlier, request.signal);
  } catch (error) {
    // What was taken over is there for the next call.
    if (left !== undefined) await wallet.note(left, { leaseUntilMs: 0 });
    throw error;
  }
  return await present(wallet, spend, request, true);
}

/** Takes what an earlier call left unfinished; waits for whoever may still be at it, as long as for an answer. */
async function takeOver(
  { store, owner, agent, now, retry, catchUp }: Wallet,
  name: string,
  { signal }: Replayable,
): Promise<Spend | undefined> {
  await catchUp();
  for (let waitMs = retry.timeoutMs; ; waitMs -= POLL_MS) {
    const taken = await store.take(name, owner, { nowMs: now(), takeover: agent !== undefined });
    if (taken === undefined || "spend" in taken) return taken?.spend;
    if (waitMs <= 0) {
      const message = "another call is presenting an earlier payment for this request";
      throw new PaymentRefused([{ rule: "earlier_payment", message }]);
    }
    await sleep(Math.min(POLL_MS, Math.max(1, taken.heldUntilMs - now())), signal);
  }
}

/**
 * Presents an earlier payment again.
 *
 * @returns the outcome; or the payment, when it came to nothing and another may be made in its place; or nothing, when
 * it was delivered before and is not delivered again.
 */
async function finish(
  wallet: Wallet,
  spend: Spend,
  request: Replayable,
  { version }: Demand,
): Promise<Outcome | Spend | undefined> {
  // What was answered with an error may be taken the next time; one of another version is not what is asked for.
  const fresh = spend.state === "rejected";
  const isOver = spend.refused === true || spend.x402Version !== version;
  if (spend.headers === undefined || (fresh && isOver)) return spend;
  if (fresh) await wallet.note(spend, { state: "pending" });
  wallet.tell(spend, { type: "resumed" });
  try {
    const outcome = await present(wallet, spend, request, fresh);
    return "rejected" in outcome ? spend : outcome;
  } catch (error) {
    const wasRefused = error instanceof PaymentUncertain && error.reply.reason !== undefined;
    if (wasRefused && spend.state === "answered") {
      await wallet.note(spend, { state: "delivered" });
      return undefined;
    }
    if (!wasRefused || isOpen(spend, wallet.now())) throw error;
    return spend;
  }
}
