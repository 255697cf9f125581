/** What may be spent beyond the limit of one payment, evaluated on the very requirements that are signed. */
import { formatAmount, parseAmount } from "../core/amount.ts";
import { networkFamily } from "../core/network.ts";
import { assertPositive } from "./assert.ts";
import type { PaymentRule, Refusal } from "./errors.ts";
import { hostName } from "./host-name.ts";
import { DECIMALS, human, limitValue, parseMoney, type Money } from "./money.ts";
import type { Proposal } from "./proposal.ts";
import type { SpendLimit, SpendRefusal } from "./spend-store.ts";
import { quote } from "./text.ts";

/** Names of hosts (`"api.example.com"`, `"*.example.com"`), networks (`"eip155:8453"`, `"eip155:*"`), assets (address or symbol) and payees. */
export interface PaymentLists {
  readonly hosts?: readonly string[];
  readonly networks?: readonly string[];
  readonly assets?: readonly string[];
  readonly payees?: readonly string[];
}

/** At most `limit`: for ever, or in any `windowSeconds`. What is in a unit that no budget names is not paid. */
export interface Budget {
  readonly limit: Money;
  /** 1 second to 31 days. */
  readonly windowSeconds?: number;
  /** Counted for each host, or each payee, by itself. */
  readonly by?: "host" | "payee";
  /** For this host alone. */
  readonly host?: string;
  /** For this payee alone. */
  readonly payee?: string;
}

export interface SpendPolicyOptions {
  /** Limits over many payments, kept in the spend store. */
  readonly budgets?: readonly Budget[];
  /** Where a list is given, what is not in it is refused. */
  readonly allow?: PaymentLists;
  /** What is in a list is refused. */
  readonly deny?: PaymentLists;
  /** Whether an origin is paid at the address that it was paid at first, and at no other. */
  readonly pinPayees?: boolean;
  /** Asks before a payment is signed: a human in the loop. */
  readonly confirm?: {
    /** Payments over this are asked about; default: all. Those in a unit that is not named are all asked about. */
    readonly above?: Money;
    /** Whether to pay. Throwing is a no, and so is everything but `true`. */
    readonly ask: (proposal: Proposal) => boolean | Promise<boolean>;
  };
}

/** What may be spent beyond the limit of one payment. `spendPolicy` makes one. */
export interface SpendPolicy {
  /** Whether it needs a spend store that counts. */
  readonly counts: boolean;
  /** What an origin is paid at, where that is to stay. */
  pin(proposal: Proposal): { readonly name: string; readonly value: string } | undefined;
  /** Refuses by a list. */
  listed(proposal: Proposal): Refusal | undefined;
  /** The budgets that a payment counts in. */
  limits(proposal: Proposal): SpendLimit[];
  /** Why a reservation was refused. */
  explain(refused: SpendRefusal, proposal: Proposal): Refusal;
  confirms(proposal: Proposal): Promise<boolean>;
}

const MAX_WINDOW_SECONDS = 31 * 86_400;

/**
 * What an agent may spend: budgets, lists of hosts, networks, assets and payees, pinned payees, and questions to a human.
 *
 * @throws TypeError for what cannot be meant.
 */
export function spendPolicy(options: SpendPolicyOptions): SpendPolicy {
  const { pinPayees = false, allow = {}, deny = {}, confirm } = options;
  const above = parseMoney(confirm?.above ?? [], "confirm.above");
  const budgets = (options.budgets ?? []).map((budget, index) => {
    const name = `budgets[${index}]`;
    const { windowSeconds, by, host, payee } = budget;
    if (windowSeconds !== undefined)
      assertPositive(`${name}.windowSeconds`, windowSeconds, MAX_WINDOW_SECONDS);
    if ([by, host, payee].filter((part) => part !== undefined).length > 1)
      throw new TypeError(`${name}: give one of by, host and payee`);
    if (host?.includes("*")) throw new TypeError(`${name}.host is no single host: "${host}"`);
    const amounts = parseMoney(budget.limit, `${name}.limit`);
    return {
      by,
      host: host === undefined ? undefined : hostName(host),
      payee: payee?.toLowerCase(),
      windowSeconds,
      limits: new Map([...amounts].map(([unit, amount]) => [unit, limitValue(amount)])),
    };
  });
  const rules = (["hosts", "networks", "assets", "payees"] as const).map((kind) => ({
    rule: kind.slice(0, -1) as PaymentRule,
    allow: normal(kind, allow[kind]),
    deny: normal(kind, deny[kind]),
  }));

  return {
    counts: pinPayees || budgets.length > 0,
    pin({ url, requirements: { network, payTo } }) {
      const name = `${new URL(url).origin} ${networkFamily(network)}`;
      return pinPayees ? { name, value: payTo.toLowerCase() } : undefined;
    },
    listed({ host, symbol, requirements: { network, asset, payTo } }) {
      const names = [
        [host],
        [network],
        [asset.toLowerCase(), symbol.toLowerCase()],
        [payTo.toLowerCase()],
      ];
      const rule = rules.find(({ allow: allowed, deny: denied }, index) => {
        const isIn = (list: readonly string[]) =>
          list.some((pattern) => names[index]?.some((name) => matches(pattern, name)));
        return (denied !== undefined && isIn(denied)) || (allowed !== undefined && !isIn(allowed));
      })?.rule;
      const message = `the ${rule} is denied, or not among those that are allowed`;
      return rule && { rule, message };
    },
    limits({ host, unit, requirements }) {
      // What no budget counts would have no end.
      if (budgets.length > 0 && !budgets.some(({ limits }) => limits.has(unit)))
        return [{ scope: "total", unit, max: 0 }];
      const address = requirements.payTo.toLowerCase();
      return budgets.flatMap(({ by, host: only, payee, windowSeconds, limits }) => {
        const max = limits.get(unit);
        if (max === undefined) return [];
        if ((only !== undefined && only !== host) || (payee !== undefined && payee !== address))
          return [];
        const scope =
          by === "host" || only !== undefined
            ? (`host:${host}` as const)
            : by === "payee" || payee !== undefined
              ? (`payee:${address}` as const)
              : "total";
        return [{ scope, unit, max, ...(windowSeconds !== undefined && { windowSeconds }) }];
      });
    },
    explain,
    async confirms(proposal) {
      if (confirm === undefined) return true;
      const limit = above.get(proposal.unit);
      if (limit !== undefined && parseAmount(proposal.amount, DECIMALS) <= limit) return true;
      try {
        const answer: unknown = await confirm.ask(proposal);
        return answer === true;
      } catch {
        return false;
      }
    },
  };
}

function normal(
  kind: keyof PaymentLists,
  list: readonly string[] | undefined,
): readonly string[] | undefined {
  return list?.map((entry) => {
    if (kind === "networks") return entry;
    if (kind !== "hosts") return entry.toLowerCase();
    return entry.startsWith("*.") ? `*.${hostName(entry.slice(2))}` : hostName(entry);
  });
}

/** `*.example.com` is every host below it, `eip155:*` every chain of the family. */
function matches(pattern: string, name: string): boolean {
  if (pattern.startsWith("*")) return name.endsWith(pattern.slice(1));
  return pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

function explain(refused: SpendRefusal, { host, unit }: Proposal): Refusal {
  if ("pinned" in refused) {
    const message = `${quote(host)} was paid at ${quote(refused.pinned)} before, and asks for another payee now`;
    return { rule: "payee_changed", message };
  }
  const { limit, spent } = refused;
  const money = (value: number) => human(formatAmount(BigInt(value), 6), unit);
  const window = limit.windowSeconds === undefined ? "" : ` in ${limit.windowSeconds} seconds`;
  const left = money(Math.max(0, limit.max - spent));
  const message = `the budget of ${money(limit.max)}${window} (${quote(limit.scope)}) has ${left} left`;
  return { rule: "budget", message };
}
