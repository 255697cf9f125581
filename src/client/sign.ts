/** From an offer to a payment that may be sent: chosen, counted, confirmed, signed and written down, in this order. */
import { PaymentRefused, type Refusal } from "./errors.ts";
import { paymentHeaders } from "./payment.ts";
import type { Demand } from "./payment-required.ts";
import { selectOffers, type Choice } from "./select.ts";
import { abortable } from "./sleep.ts";
import type { Spend } from "./spend-store.ts";
import type { Wallet } from "./wallet.ts";

/** What is paid for. */
export interface Call {
  /** Where the payment is sent. */
  readonly url: string;
  readonly method: string;
  readonly host: string;
  /** Identity of the logical request, if it has one. */
  readonly request?: string;
}

type Signal = AbortSignal | null | undefined;

/** Clocks of chains and of ours may differ by this much. */
const SKEW_MS = 60_000;

/** Whether a payment may still be taken. */
export const isOpen = (spend: Spend, nowMs: number): boolean => nowMs <= spend.expiresAtMs;

/**
 * @param earlier payment for the same request: the new one excludes it, so that at most one of both is taken; while it
 * may be taken, no other is made.
 * @throws PaymentRefused when nothing may be paid.
 */
export async function signPayment(
  wallet: Wallet,
  call: Call,
  demand: Demand,
  earlier: Spend | undefined,
  signal: Signal,
): Promise<Spend> {
  const { choices, refusals } = await abortable(selectOffers(wallet, call, demand.offers), signal);
  for (const choice of choices) {
    const spend = await attempt(wallet, call, demand, choice, earlier, signal);
    if (!("rule" in spend)) return spend;
    refusals.push(spend);
    // A no is not asked for again.
    if (spend.rule === "confirm") break;
  }
  const [first, ...others] = refusals;
  throw new PaymentRefused([
    first ?? { rule: "no_offer", message: "the server offers no way to pay" },
    ...others,
  ]);
}

async function attempt(
  wallet: Wallet,
  call: Call,
  demand: Demand,
  { scheme, proposal }: Choice,
  earlier: Spend | undefined,
  signal: Signal,
): Promise<Spend | Refusal> {
  const { store, policy, now } = wallet;
  const { requirements, unit } = proposal;
  const nowMs = now();
  const isLive = earlier !== undefined && isOpen(earlier, nowMs);
  const instead =
    earlier?.payload &&
    scheme.excludes?.({ ...earlier, payload: earlier.payload }, requirements) === true
      ? earlier
      : undefined;
  // A second replacement would push the end further and further away.
  if (isLive && (instead === undefined || earlier.replaces !== undefined)) {
    const until = new Date(earlier.expiresAtMs).toISOString();
    const message = `an earlier payment for this request may be taken until ${until}; call again then`;
    return { rule: "earlier_payment", message };
  }
  /** It is done with when what it excludes has run out as well. */
  const expiry = (fromMs: number) =>
    Math.max(fromMs + proposal.lifetimeSeconds * 1000 + SKEW_MS, instead?.expiresAtMs ?? 0);
  const { scheme: name, network, asset, amount, payTo } = requirements;
  // At most one of the two is taken, so that only what is more is counted anew. One whose time is over may be released
  // at any moment: the new one counts in its place.
  const countsAlike = instead?.unit === unit && instead.payTo === payTo;
  const counted = countsAlike && isLive ? instead.value : 0;
  const spend: Spend = {
    ...call,
    id: crypto.randomUUID(),
    atMs: nowMs,
    state: "reserved",
    unit,
    value: Math.max(0, proposal.value - counted),
    scheme: name,
    network,
    asset,
    amount,
    payTo,
    ...(scheme.payer !== undefined && { payer: scheme.payer }),
    expiresAtMs: expiry(nowMs),
    owner: wallet.owner,
    leaseUntilMs: wallet.leaseUntil(),
    x402Version: demand.version,
    ...(instead && { replaces: instead.id }),
  };
  const isMoved = countsAlike && !isLive && spend.value >= instead.value;
  await wallet.catchUp();
  const refused = await store.reserve(spend, policy?.limits(proposal) ?? [], policy?.pin(proposal));
  if (refused !== undefined)
    return policy?.explain(refused, proposal) ?? { rule: "budget", message: "the store refuses" };

  wallet.keepLease(spend);
  const release = () => wallet.note(spend, { state: "released" });
  try {
    signal?.throwIfAborted();
    if (policy !== undefined && !(await abortable(policy.confirms(proposal), signal))) {
      await release();
      return { rule: "confirm", message: "it was not confirmed" };
    }
    const signedAtMs = now();
    const options = {
      nowSeconds: Math.floor(signedAtMs / 1000),
      lifetimeSeconds: proposal.lifetimeSeconds,
      x402Version: demand.version,
      ...(instead?.payload && { instead: instead.payload }),
    };
    const declared = demand.message?.extensions;
    const extensions =
      declared &&
      scheme.extend &&
      (await abortable(scheme.extend(declared, requirements, options), signal));
    const payload = await abortable(
      scheme.createPayload(requirements, { ...options, extensions }),
      signal,
    );
    const change = {
      state: "pending",
      payload,
      headers: paymentHeaders(demand, requirements, payload, extensions),
      expiresAtMs: expiry(signedAtMs),
    } as const;
    if (!(await store.update(spend.id, change))) {
      await release();
      return { rule: "budget", message: "its reservation ran out; call again" };
    }
    if (earlier !== undefined)
      await wallet.note(earlier, {
        state: isLive ? "replaced" : isMoved ? "released" : "rejected",
      });
    wallet.tell(spend, { type: "signed" });
    return { ...spend, ...change };
  } catch (error) {
    // Nothing has left: what was signed, if anything, is gone.
    await release();
    throw error;
  }
}
