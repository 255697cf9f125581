/** `farthing wallet budgets` and `farthing wallet budget`. */
import { hostName } from "../src/client/host-name.ts";
import { limitValue, parseMoney } from "../src/client/money.ts";
import type { SpendScope, SpendStore } from "../src/client/index.ts";
import type { Hex } from "../src/core/scheme.ts";
import { UsageError } from "./exit.ts";
import { windowText } from "./options.ts";
import { escaped, money, print, printJson, table } from "./text.ts";
import { readConfig, writeConfig, type WalletBudget } from "./wallet-config.ts";
import { withSpending, type StoreOptions } from "./wallet-history.ts";

interface SetOptions {
  readonly per?: number;
  readonly host?: string;
  readonly payee?: Hex;
  readonly each?: string;
}

export function setBudget(limit: string, { per, host, payee, each }: SetOptions): void {
  if (each !== undefined && each !== "host" && each !== "payee")
    throw new UsageError('--each must be "host" or "payee"');
  if ([host, payee, each].filter((value) => value !== undefined).length > 1)
    throw new UsageError("give one of --host, --payee and --each");
  const budget: WalletBudget = {
    limit,
    ...(per !== undefined && { windowSeconds: per }),
    ...(host !== undefined && { host }),
    ...(payee !== undefined && { payee }),
    ...(each !== undefined && { by: each }),
  };
  const config = readConfig();
  const index = config.budgets.findIndex((other) => sameAs(other) === sameAs(budget));
  const budgets = index < 0 ? [...config.budgets, budget] : config.budgets.with(index, budget);
  writeConfig({ ...config, budgets });
  print(`${index < 0 ? "Added" : "Changed"}: ${describe(budget)}\n`);
}

export function removeBudget(number: number): void {
  const config = readConfig();
  const budget = config.budgets[number - 1];
  if (budget === undefined)
    throw new UsageError(
      `there is no budget ${number}: see farthing wallet budgets for their numbers`,
    );
  writeConfig({ ...config, budgets: config.budgets.toSpliced(number - 1, 1) });
  print(`Removed: ${describe(budget)}\n`);
}

interface BudgetsOptions extends StoreOptions {
  readonly json?: true;
}

export async function showBudgets({ json, ...options }: BudgetsOptions): Promise<void> {
  const { budgets } = readConfig();
  const rows = [];
  for (const [index, budget] of budgets.entries()) {
    const unit = unitOf(budget);
    const max = limitValue(parseMoney(budget.limit, "").get(unit) ?? 0n);
    const counted = (await withSpending(options, (store) => countBudget(store, budget))) ?? [
      { counts: subjectOf(budget), spent: 0 },
    ];
    for (const { counts, spent } of counted)
      rows.push({
        number: index + 1,
        counts,
        window: windowText(budget.windowSeconds),
        limit: money(max, unit),
        spent: money(spent, unit),
        left: money(Math.max(0, max - spent), unit),
      });
  }
  if (json) return printJson(rows);
  if (rows.length === 0)
    return print('No budgets: "farthing wallet budget set 5 --per day" sets one.\n');
  const cells = rows.map((row) => Object.values(row).map((cell) => escaped(String(cell))));
  print(table([["#", "counts", "window", "limit", "spent", "left"], ...cells]));
}

/** What is counted in a budget; of one that counts each by itself, one line for each that was paid. */
async function countBudget(
  store: SpendStore,
  budget: WalletBudget,
): Promise<{ counts: string; spent: number }[]> {
  const { by, windowSeconds } = budget;
  const unit = unitOf(budget);
  const sum = async (scope: SpendScope) =>
    await store.spent(scope, unit, Date.now(), windowSeconds);
  if (by === undefined) {
    const { host, payee } = budget;
    const scope: SpendScope =
      host !== undefined
        ? `host:${hostName(host)}`
        : payee !== undefined
          ? `payee:${payee.toLowerCase()}`
          : "total";
    return [{ counts: subjectOf(budget), spent: await sum(scope) }];
  }
  const spends = await store.list({ limit: 10_000 });
  const names = spends.map(({ host, payTo }) => (by === "host" ? host : payTo.toLowerCase()));
  const found = await Promise.all(
    [...new Set(names)].map(async (name) => ({
      counts: name,
      spent: await sum(`${by}:${name}`),
    })),
  );
  const most = found.toSorted((a, b) => b.spent - a.spent).filter(({ spent }) => spent > 0);
  const rest = { counts: `any other ${by}`, spent: 0 };
  return [...most.slice(0, 20), rest];
}

const unitOf = ({ limit }: WalletBudget): string => [...parseMoney(limit, "").keys()][0] ?? "USD";

/** What two budgets have to have in common for one to take the other's place. */
const sameAs = (budget: WalletBudget): string =>
  [unitOf(budget), budget.windowSeconds, subjectOf(budget)].join(" ");

const subjectOf = ({ by, host, payee }: WalletBudget): string =>
  by === undefined ? (host ?? payee ?? "everything") : `each ${by}`;

const describe = (budget: WalletBudget): string => {
  const unit = unitOf(budget);
  const max = money(limitValue(parseMoney(budget.limit, "").get(unit) ?? 0n), unit);
  return escaped(`at most ${max} ${windowText(budget.windowSeconds)} for ${subjectOf(budget)}`);
};
