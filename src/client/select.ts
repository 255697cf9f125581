import { formatAmount } from "../core/amount.ts";
import type { PaymentRequirements } from "../core/messages.ts";
import { networkFamily } from "../core/network.ts";
import type { ClientScheme } from "../core/scheme.ts";
import type { PaymentRule, Refusal } from "./errors.ts";
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
  /**
   * Chooses among the offers that may be paid, cheapest first: one of them, or several, of which the first is paid that no
   * budget and no question refuses; or none. `preferring({ networks: ["…"] })` makes one.
   */
  readonly select?: (proposals: readonly Proposal[]) => Selection | Promise<Selection>;
}

type Selection = Proposal | readonly Proposal[] | undefined;

/** Orders of verify, handler and settle that need nothing else of a client; others are not understood. */
const FLOWS: ReadonlySet<unknown> = new Set(["authorization", "upfront"]);

/** The scheme for a payment or an offer. */
export const schemeFor = (
  schemes: readonly ClientScheme[],
  { scheme, network }: { readonly scheme: string; readonly network: string },
): ClientScheme | undefined =>
  schemes.find((each) => each.scheme === scheme && each.family === networkFamily(network));

/**
 * The offers that may be paid, best first, and why the others may not. Amounts are compared in units of our own table
 * of tokens: what a server says about decimals counts for nothing.
 */
export async function selectOffers(
  wallet: Wallet,
  call: Pick<Proposal, "url" | "method" | "host">,
  offers: readonly PaymentRequirements[],
): Promise<{ choices: Choice[]; refusals: Refusal[] }> {
  const choices: Choice[] = [];
  const refusals: Refusal[] = [];
  for (const requirements of offers) {
    const judged = judge(wallet, call, requirements);
    if ("scheme" in judged) choices.push(judged);
    else {
      const offer = `${quote(requirements.scheme)} on ${quote(requirements.network)}`;
      refusals.push({ ...judged, message: `${offer}: ${judged.message}` });
    }
  }
  const price = ({ proposal: { unit, value } }: Choice) =>
    unit === DOLLARS ? value : Number.MAX_VALUE;
  choices.sort((a, b) => price(a) - price(b));
  if (wallet.select === undefined || choices.length === 0) return { choices, refusals };
  const selected = await wallet.select(choices.map(({ proposal }) => proposal));
  const chosen = [selected ?? []].flat().map((proposal) => {
    const found = choices.find((choice) => choice.proposal === proposal);
    if (found === undefined) throw new TypeError("select gave back what is no proposal");
    return found;
  });
  if (chosen.length === 0) refusals.unshift({ rule: "select", message: "select chose none" });
  return { choices: chosen, refusals };
}

function judge(
  { schemes, maxAmount, maxLifetimeSeconds, policy }: Wallet,
  call: Pick<Proposal, "url" | "method" | "host">,
  requirements: PaymentRequirements,
): Refusal | Choice {
  const refuse = (rule: PaymentRule, message: string) => ({ rule, message });
  const scheme = schemeFor(schemes, requirements);
  if (scheme === undefined) return refuse("scheme", "no scheme for it");
  if (!FLOWS.has(requirements.extra?.["paymentFlow"] ?? "upfront"))
    return refuse("flow", "its payment flow is not supported");
  if (!scheme.supports(requirements)) return refuse("scheme", "it cannot be paid with the scheme");
  const asset = scheme.asset(requirements);
  const limit = asset && maxAmount.get(unitOf(asset));
  if (asset === undefined || limit === undefined) {
    const token = quote(requirements.asset);
    const message = `${token} is not a known dollar token, and maxAmount gives no limit for it`;
    return refuse("unknown_asset", message);
  }
  const unit = unitOf(asset);
  const atomic = BigInt(requirements.amount);
  const amount = formatAmount(atomic, asset.decimals);
  const exact = scaled(atomic, asset);
  const value = spendValue(exact);
  if (exact > limit || !Number.isSafeInteger(value)) {
    const most = human(formatAmount(limit, DECIMALS), unit);
    const message = `the price of ${human(amount, unit)} is over the limit of ${most} a payment`;
    return refuse("max_amount", message);
  }
  // Whoever is asked about it changes nothing of what is signed.
  Object.freeze(requirements);
  Object.freeze(requirements.extra);
  const proposal = Object.freeze({
    ...call,
    requirements,
    symbol: asset.symbol,
    amount,
    unit,
    value,
    lifetimeSeconds: Math.min(requirements.maxTimeoutSeconds, maxLifetimeSeconds),
  });
  return policy?.listed(proposal) ?? { scheme, proposal };
}
