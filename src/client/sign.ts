/** From an offer to a payment that may be sent: chosen, counted, confirmed, signed and written down, in this order. */
import type { ClientScheme, Extensions } from "../core/scheme.ts";
import { PaymentRefused, type Refusal } from "./errors.ts";
import { factsOf } from "./events.ts";
import { paymentHeaders } from "./payment.ts";
import type { Demand } from "./payment-required.ts";
import type { Proposal } from "./proposal.ts";
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
  readonly request: string | undefined;
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
  throw new PaymentRefused([first ?? { rule: "no_offer", message: "no offer" }, ...others]);
}

/** A payment, and what it adds to the extensions that the server declares. */
async function create(
  scheme: ClientScheme,
  { version, message }: Demand,
  { requirements, lifetimeSeconds }: Proposal,
  nowSeconds: number,
  instead: Spend["payload"],
): Promise<{ payload: Record<string, unknown>; extensions: Extensions }> {
  const options = { nowSeconds, lifetimeSeconds };
  const declared = message?.extensions ?? {};
  const extensions = (await scheme.extend?.(declared, requirements, options)) ?? {};
  const payload = await scheme.createPayload(requirements, {
    ...options,
    x402Version: version,
    extensions,
    ...(instead && { instead }),
  });
  return { payload, extensions };
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
  const instead = earlier && excluded(earlier, scheme, proposal) ? earlier : undefined;
  if (earlier !== undefined && isOpen(earlier, now())) {
    // A second replacement would push the end further and further away.
    if (instead === undefined || earlier.replaces !== undefined) {
      const until = new Date(earlier.expiresAtMs).toISOString();
      const message = `an earlier payment for this request may be taken until ${until}; call again after that`;
      return { rule: "earlier_payment", message };
    }
  }
  /** It is done with when what it excludes has run out as well. */
  const expiry = (fromMs: number) =>
    Math.max(fromMs + proposal.lifetimeSeconds * 1000 + SKEW_MS, instead?.expiresAtMs ?? 0);
  const nowMs = now();
  const { url, method, host } = call;
  const { network, asset, amount, payTo } = requirements;
  // At most one of the two is taken, so that only what is more is counted anew. One whose time is over may be released
  // at any moment: the new one counts in its place.
  const countsAlike = instead?.unit === unit && instead.payTo === payTo;
  const isLive = earlier !== undefined && isOpen(earlier, nowMs);
  const counted = countsAlike && isLive ? instead.value : 0;
  const spend: Spend = {
    id: crypto.randomUUID(),
    atMs: nowMs,
    state: "reserved",
    unit,
    value: Math.max(0, proposal.value - counted),
    url,
    method,
    host,
    scheme: scheme.scheme,
    network,
    asset,
    amount,
    payTo,
    ...(scheme.payer !== undefined && { payer: scheme.payer }),
    expiresAtMs: expiry(nowMs),
    ...(call.request !== undefined && { request: call.request }),
    owner: wallet.owner,
    leaseUntilMs: wallet.leaseUntil(),
    x402Version: demand.version,
    ...(instead && { replaces: instead.id }),
  };
  const isMoved = countsAlike && !isLive && spend.value >= instead.value;
  const limits = policy?.limits(proposal) ?? [];
  const family = network.slice(0, network.indexOf(":"));
  const pin = policy?.pinPayees
    ? { name: `${new URL(url).origin} ${family}`, value: payTo.toLowerCase() }
    : undefined;
  const refused = await store.reserve(spend, limits, pin);
  if (refused !== undefined)
    return policy?.explain(refused, proposal) ?? { rule: "budget", message: "the store refuses" };

  const stopLease = wallet.keepLease(spend.id);
  try {
    signal?.throwIfAborted();
    if (policy !== undefined && !(await abortable(policy.confirms(proposal), signal))) {
      await wallet.note(spend, { state: "released" });
      return { rule: "confirm", message: "it was not confirmed" };
    }
    const signedAtMs = now();
    const { payload, extensions } = await abortable(
      create(scheme, demand, proposal, Math.floor(signedAtMs / 1000), instead?.payload),
      signal,
    );
    const change = {
      state: "pending",
      payload,
      headers: paymentHeaders(demand, requirements, payload, extensions),
      expiresAtMs: expiry(signedAtMs),
    } as const;
    if (!(await store.update(spend.id, change))) {
      const message = "its reservation ran out while it waited; call again";
      return { rule: "budget", message };
    }
    if (earlier !== undefined)
      await wallet.note(earlier, {
        state: isLive ? "replaced" : isMoved ? "released" : "rejected",
      });
    const signed = { ...spend, ...change };
    wallet.emit({ type: "signed", ...factsOf(signed) });
    return signed;
  } catch (error) {
    // Nothing has left: what was signed, if anything, is gone.
    await wallet.note(spend, { state: "released" });
    throw error;
  } finally {
    stopLease();
  }
}

const excluded = (earlier: Spend, scheme: ClientScheme, { requirements }: Proposal): boolean =>
  earlier.payload !== undefined &&
  earlier.network === requirements.network &&
  scheme.excludes?.({ ...earlier, payload: earlier.payload }, requirements) === true;
