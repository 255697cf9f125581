/** `farthing wallet history`: no signature and no payment header is in it. */
import { existsSync } from "node:fs";
import { fileSpendStore } from "../src/client/file-spend-store.ts";
import type { Spend, SpendState, SpendStore } from "../src/client/index.ts";
import { spendingPath } from "./home.ts";
import { escaped, money, print, printJson, short, table, tokens } from "./text.ts";

export interface StoreOptions {
  readonly store?: string;
}

interface HistoryOptions extends StoreOptions {
  readonly limit: number;
  readonly json?: true;
}

const MEANING: Readonly<Record<SpendState, string>> = {
  reserved: "counted, and not signed yet",
  pending: "signed, and not known whether it was taken: the same command presents it again",
  answered: "the answer is, or was, on its way: the same command asks for it again",
  paid: "delivered, with a receipt",
  delivered: "delivered without a receipt: counted as paid",
  rejected: "not taken, says the server: counted until farthing wallet reconcile",
  replaced: "another one was signed that excludes it",
  released: "cannot be taken: not counted any more",
};

/** Opens the payments of the wallet for one question; nothing when there are none. */
export async function withSpending<T>(
  { store: path = spendingPath() }: StoreOptions,
  ask: (store: SpendStore) => Promise<T>,
): Promise<T | undefined> {
  if (!existsSync(path)) return undefined;
  const store = fileSpendStore(path);
  try {
    return await ask(store);
  } finally {
    await store.close();
  }
}

export async function showHistory({ limit, json, ...options }: HistoryOptions): Promise<void> {
  const found = await withSpending(options, async (store) => {
    const spends = await store.list({ limit });
    const units = [...new Set(["USD", ...spends.map(({ unit }) => unit)])];
    const totals = await Promise.all(
      units.map(async (unit) => {
        const nowMs = Date.now();
        const day = await store.spent("total", unit, nowMs, 86_400);
        return { unit, ever: await store.spent("total", unit, nowMs), day };
      }),
    );
    return { spends, totals };
  });
  const { spends = [], totals = [] } = found ?? {};
  if (json) {
    const counted = totals.map(({ unit, ever, day }) => ({
      unit,
      ever: money(ever, unit),
      day: money(day, unit),
    }));
    return printJson({ payments: spends.map(publicParts), counted });
  }
  if (spends.length === 0) return print("No payments yet.\n");
  print(table([HEAD, ...spends.map(row)]));
  print("\n");
  for (const state of new Set(spends.map((spend) => spend.state)))
    print(`${state.padEnd(9)}  ${MEANING[state]}\n`);
  print("\n");
  for (const { unit, ever, day } of totals)
    print(`Counted in budgets: ${money(ever, unit)} ever, ${money(day, unit)} in 24 hours.\n`);
}

/** For the overview. */
export async function showLastPayments(limit: number): Promise<void> {
  const spends = await withSpending({}, (store) => store.list({ limit }));
  if (spends === undefined || spends.length === 0) return print("No payments yet.\n");
  print(`Last payments\n${table(spends.map(row))}`);
}

const HEAD = [
  "time (UTC)",
  "state",
  "amount",
  "network",
  "request",
  "payee",
  "transaction or reason",
];

function row(spend: Spend): string[] {
  const { atMs, state, amount, network, asset, method, url, payTo, transaction, reason } = spend;
  const cells = [
    new Date(atMs).toISOString().slice(0, 19).replace("T", " "),
    state,
    tokens(amount, network, asset),
    network,
    `${method} ${short(url, 60)}`,
    payTo,
    transaction ?? (reason === undefined ? "" : short(reason, 60)),
  ];
  return cells.map(escaped);
}

function publicParts(spend: Spend): object {
  const { id, atMs, state, method, url, host, scheme, network, asset, amount, payTo } = spend;
  const { unit, value, expiresAtMs, transaction, reason } = spend;
  return {
    id,
    time: new Date(atMs).toISOString(),
    state,
    method,
    url,
    host,
    scheme,
    network,
    asset,
    amount,
    price: tokens(amount, network, asset),
    payTo,
    counted: money(state === "released" ? 0 : value, unit),
    expires: new Date(expiresAtMs).toISOString(),
    transaction,
    reason,
  };
}
