/** The rules of a `farthing pay`: those of its flags, and those of the wallet. */
import { lookup } from "node:dns/promises";
import {
  refusePrivateAddresses,
  spendPolicy,
  type Budget,
  type Proposal,
  type WrapFetchOptions,
} from "../src/client/index.ts";
import { fileSpendStore } from "../src/client/file-spend-store.ts";
import { exactEvm, uptoEvm, type EvmSigner } from "../src/evm/index.ts";
import { dryStore } from "./dry-run.ts";
import { UsageError } from "./exit.ts";
import { spendingPath } from "./home.ts";
import type { Story } from "./pay-events.ts";
import { askYesNo, hasTerminal } from "./prompt.ts";
import { escaped, short } from "./text.ts";
import { readConfig } from "./wallet-config.ts";

export interface WalletFlags {
  readonly maxAmount: string;
  readonly budget?: string;
  readonly budgetPerDay?: string;
  readonly confirm?: true;
  readonly confirmAbove?: string;
  readonly yes?: true;
  readonly allowHost: readonly string[];
  readonly denyHost: readonly string[];
  readonly pin?: true;
  readonly publicOnly?: true;
  readonly retries: number;
  readonly store?: string;
  readonly history: boolean;
  readonly dryRun?: true;
}

/** @throws UsageError for flags that cannot go together, and for a wrong `wallet.json`. */
export function openWallet(
  account: EvmSigner,
  flags: WalletFlags,
  signal: AbortSignal,
  story: Story,
): { fetch: typeof globalThis.fetch; options: WrapFetchOptions; close(): Promise<void> } {
  const { allowHost, denyHost, confirmAbove } = flags;
  const budgets = budgetsOf(flags);
  if (!flags.history && (budgets.length > 0 || flags.pin))
    throw new UsageError("budgets and --pin need the history: leave --no-history out");
  const path = flags.store ?? spendingPath();
  const store = flags.dryRun ? dryStore(path) : flags.history ? fileSpendStore(path) : undefined;
  const isAsked = (flags.confirm ?? confirmAbove) !== undefined && !flags.yes && !flags.dryRun;
  return {
    fetch: flags.publicOnly
      ? refusePrivateAddresses(globalThis.fetch, { resolve: addressesOf })
      : globalThis.fetch,
    options: {
      schemes: [exactEvm({ account }), uptoEvm({ account })],
      maxAmount: flags.maxAmount,
      retry: { attempts: flags.retries + 1 },
      ...(store !== undefined && { store }),
      policy: spendPolicy({
        budgets,
        pinPayees: flags.pin ?? false,
        ...(allowHost.length > 0 && { allow: { hosts: allowHost } }),
        ...(denyHost.length > 0 && { deny: { hosts: denyHost } }),
        ...(isAsked && {
          confirm: {
            ...(!flags.confirm && confirmAbove !== undefined && { above: confirmAbove }),
            ask: (proposal) => ask(proposal, signal, story),
          },
        }),
      }),
    },
    close: async () => await store?.close?.(),
  };
}

function budgetsOf({ budget, budgetPerDay }: WalletFlags): Budget[] {
  return [
    ...readConfig().budgets,
    ...(budget === undefined ? [] : [{ limit: budget }]),
    ...(budgetPerDay === undefined ? [] : [{ limit: budgetPerDay, windowSeconds: 86_400 }]),
  ];
}

async function ask(proposal: Proposal, signal: AbortSignal, story: Story): Promise<boolean> {
  story.isMute = !hasTerminal();
  if (story.isMute) return false;
  const { host, method, url, amount, symbol, requirements, lifetimeSeconds } = proposal;
  const lines = [
    `Pay ${amount} ${symbol} to ${host}?`,
    `  for      ${method} ${short(url, 200)}`,
    `  token    ${symbol}, ${requirements.asset}`,
    `  network  ${requirements.network}`,
    `  payee    ${requirements.payTo}`,
    `  valid    ${lifetimeSeconds} s`,
  ];
  return await askYesNo(`${lines.map(escaped).join("\n")}\nyes or no [no]: `, signal);
}

const addressesOf = async (host: string): Promise<string[]> =>
  (await lookup(host, { all: true })).map(({ address }) => address);
