import { formatAmount } from "../core/amount.ts";
import type { PaymentRequirements } from "../core/messages.ts";
import { networkFamily } from "../core/network.ts";
import type { ClientScheme } from "../core/scheme.ts";
import { PaymentRefused, type PaymentRule, type Refusal } from "./errors.ts";
import { DECIMALS, DOLLARS, human, scaled, spendValue, unitOf } from "./money.ts";
import type { Proposal } from "./proposal.ts";
import type { Wallet } from "./wallet.ts";
import { quote } from "./text.ts";

/** An offer that may be paid, as far as it can be told without the spend store. */
export interface Choice {
  readonly scheme: ClientScheme;
  readonly proposal: Proposal;
}

export interface SelectOptions {
  /** What is preferred comes first, in this order; then what is cheapest. */
  readonly prefer?: { readonly networks?: readonly string[]; readonly assets?: readonly string[] };
  /** Chooses among the offers that may be paid, best first. Nothing: none is paid. */
  readonly select?: (
    proposals: readonly Proposal[],
  ) => Proposal | undefined | Promise<Proposal | undefined>;
}

/** Orders of verify, handler and settle that need nothing else of a client; others are not understood. */
const FLOWS: ReadonlySet<unknown> = new Set([undefined, null, "authorization", "upfront"]);

/**
 * The offers that may be paid, best first, and why the others may not. Amounts are compared in units of our own table
 * of tokens: what a server says about decimals counts for nothing.
 */
export async function selectOffers(
  wallet: Wallet,
  call: Pick<Proposal, "url" | "method" | "host">,
  offers: readonly PaymentRequirements[],
): Promise<{ choices: Choice[]; refusals: Refusal[] }> {
  const { prefer = {}, select } = wallet.selection;
  const choices: Choice[] = [];
  const refusals: Refusal[] = [];
  for (const requirements of offers) {
    const scheme = wallet.schemes.find(
      (candidate) =>
        candidate.scheme === requirements.scheme &&
        candidate.family === networkFamily(requirements.network),
    );
    const judged = judge(wallet, call, requirements, scheme);
    if ("choice" in judged) choices.push(judged.choice);
    else {
      const offer = `${quote(requirements.scheme)} on ${quote(requirements.network)}`;
      refusals.push({ rule: judged.rule, message: `${offer}: ${judged.message}` });
    }
  }
  if (offers.length === 0)
    refusals.push({ rule: "no_offer", message: "the server offers no way to pay" });

  const rank = (list: readonly string[] | undefined, names: readonly string[]) => {
    const index = list?.findIndex((entry) => names.includes(entry.toLowerCase())) ?? -1;
    return index < 0 ? Number.MAX_VALUE : index;
  };
  const sortBy = (score: (proposal: Proposal) => number) =>
    choices.sort((a, b) => score(a.proposal) - score(b.proposal));
  sortBy(({ unit, value }) => (unit === DOLLARS ? value : Number.MAX_VALUE));
  sortBy(({ requirements, symbol }) =>
    rank(prefer.assets, [requirements.asset.toLowerCase(), symbol.toLowerCase()]),
  );
  sortBy(({ requirements }) => rank(prefer.networks, [requirements.network.toLowerCase()]));
  if (select === undefined || choices.length === 0) return { choices, refusals };
  const chosen = await select(choices.map(({ proposal }) => proposal));
  const found = choices.find(({ proposal }) => proposal === chosen);
  if (found !== undefined) return { choices: [found], refusals };
  if (chosen !== undefined) throw new TypeError("select: give back one of the proposals, or none");
  throw new PaymentRefused([{ rule: "select", message: "select chose none of the offers" }]);
}

function judge(
  { maxAmount, maxLifetimeSeconds, policy }: Wallet,
  call: Pick<Proposal, "url" | "method" | "host">,
  requirements: PaymentRequirements,
  scheme: ClientScheme | undefined,
): Refusal | { choice: Choice } {
  const refuse = (rule: PaymentRule, message: string) => ({ rule, message });
  if (scheme === undefined) return refuse("scheme", "no scheme for it");
  if (!FLOWS.has(requirements.extra?.["paymentFlow"]))
    return refuse("flow", "its payment flow is not supported");
  if (!scheme.supports(requirements)) return refuse("scheme", "it cannot be paid with this scheme");
  const asset = scheme.asset(requirements);
  const unit = asset && unitOf(asset);
  const limit = unit === undefined ? undefined : maxAmount.get(unit);
  if (asset === undefined || unit === undefined || limit === undefined) {
    const token = `the token ${quote(requirements.asset)} is not a known dollar token`;
    const advice = asset && `, and maxAmount gives no limit in ${asset.symbol}`;
    return refuse("unknown_asset", token + (advice ?? ""));
  }
  const atomic = BigInt(requirements.amount);
  const amount = formatAmount(atomic, asset.decimals);
  const value = spendValue(scaled(atomic, asset));
  if (scaled(atomic, asset) > limit || !Number.isSafeInteger(value)) {
    const price = human(amount, unit);
    const most = human(formatAmount(limit, DECIMALS), unit);
    return refuse("max_amount", `the price of ${price} is over the limit of ${most} a payment`);
  }
  const lifetimeSeconds = Math.min(requirements.maxTimeoutSeconds, maxLifetimeSeconds);
  const { symbol } = asset;
  // Whoever is asked about it changes nothing of what is signed.
  Object.freeze(requirements);
  Object.freeze(requirements.extra);
  const proposal = Object.freeze({
    ...call,
    requirements,
    symbol,
    amount,
    unit,
    value,
    lifetimeSeconds,
  });
  return policy?.listed(proposal) ?? { choice: { scheme, proposal } };
}
