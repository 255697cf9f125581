/** What may be paid: limits, budgets and lists, evaluated on the very requirements that are signed. */
import type { PaymentRequirements } from "../core/messages.ts";
import { limitValue, parseMoney, type Amounts, type Money } from "./money.ts";
import type { KnownAsset } from "../core/scheme.ts";
import type { SpendLimit } from "./spend-store.ts";
import type { PaymentRule } from "./errors.ts";

/** Names of hosts (`"api.example.com"`, `"*.example.com"`), networks (`"eip155:8453"`, `"eip155:*"`), assets (address or symbol) and payees. */
export interface PaymentLists {
  readonly hosts?: readonly string[];
  readonly networks?: readonly string[];
  readonly assets?: readonly string[];
  readonly payees?: readonly string[];
}

/** At most `limit`: for ever, or in any `windowSeconds`. */
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

/** What is about to be signed, for people and for functions that decide. */
export interface Proposal {
  readonly url: string;
  readonly method: string;
  readonly host: string;
  /** Exactly what is signed. */
  readonly requirements: PaymentRequirements;
  readonly symbol: string;
  /** In whole tokens, by our table: `"0.01"`. */
  readonly amount: string;
  /** What budgets count it in, and how many millionths of it. */
  readonly unit: string;
  readonly value: number;
  /** For how long the payment is valid. */
  readonly lifetimeSeconds: number;
}

export interface PolicyOptions {
  /** The most that one payment may cost; default `"$1"`. Tokens that are no dollars need a limit in their own unit. */
  readonly maxAmount?: Money;
  /** The longest that a payment may stay valid, whatever the server asks for; default 3600. */
  readonly maxLifetimeSeconds?: number;
  /** Limits over many payments, kept in the spend store. */
  readonly budgets?: readonly Budget[];
  /** Where a list is given, what is not in it is refused. */
  readonly allow?: PaymentLists;
  /** What is in a list is refused. */
  readonly deny?: PaymentLists;
  /** Whether an origin is paid at the address that it was paid at first, and at no other. */
  readonly pinPayees?: boolean;
}

export interface Policy {
  readonly maxAmount: Amounts;
  readonly maxLifetimeSeconds: number;
  readonly pinPayees: boolean;
  /** The list that refuses, if one does. */
  listed(
    host: string,
    requirements: PaymentRequirements,
    asset: KnownAsset,
  ): PaymentRule | undefined;
  /** The budgets that a payment counts in. */
  limits(host: string, payTo: string, unit: string): SpendLimit[];
}

const MAX_WINDOW_SECONDS = 31 * 86_400;

/** @throws TypeError for what cannot be meant. */
export function createPolicy(options: PolicyOptions): Policy {
  const { maxLifetimeSeconds = 3600, pinPayees = false, allow = {}, deny = {} } = options;
  assertSeconds("maxLifetimeSeconds", maxLifetimeSeconds);
  const budgets = (options.budgets ?? []).map((budget, index) => {
    const name = `budgets[${index}]`;
    const { windowSeconds, by, host, payee } = budget;
    if (windowSeconds !== undefined)
      assertSeconds(`${name}.windowSeconds`, windowSeconds, MAX_WINDOW_SECONDS);
    if ([by, host, payee].filter((part) => part !== undefined).length > 1)
      throw new TypeError(`${name}: give one of by, host and payee`);
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
    maxAmount: parseMoney(options.maxAmount ?? "$1", "maxAmount"),
    maxLifetimeSeconds,
    pinPayees,
    listed(host, { network, asset, payTo }, { symbol }) {
      const names = [
        [host],
        [network],
        [asset.toLowerCase(), symbol.toLowerCase()],
        [payTo.toLowerCase()],
      ];
      return rules.find(({ allow: allowed, deny: denied }, index) => {
        const isIn = (list: readonly string[]) =>
          list.some((pattern) => names[index]?.some((name) => matches(pattern, name)));
        return (denied !== undefined && isIn(denied)) || (allowed !== undefined && !isIn(allowed));
      })?.rule;
    },
    limits(host, payTo, unit) {
      return budgets.flatMap(({ by, host: only, payee, windowSeconds, limits }) => {
        const max = limits.get(unit);
        const address = payTo.toLowerCase();
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
  };
}

/** Host name as URLs have it: lower case, punycode, without port and final dot. */
export function hostName(host: string): string {
  const url = `http://${host}`;
  if (!URL.canParse(url)) throw new TypeError(`"${host}" is no host name such as "example.com"`);
  return new URL(url).hostname.replace(/\.$/, "");
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

function assertSeconds(name: string, value: number, most = Number.MAX_SAFE_INTEGER): void {
  if (!Number.isSafeInteger(value) || value <= 0 || value > most)
    throw new TypeError(
      `${name} is not a positive whole number${most < 1e9 ? ` up to ${most}` : ""}`,
    );
}
