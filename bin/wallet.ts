import { Command } from "commander";
import { EXIT, fail, UsageError } from "./exit.ts";
import { homeFolder } from "./home.ts";
import { KEY_HELP, openAddress, type KeyOptions } from "./key.ts";
import {
  addressOption,
  collect,
  countOption,
  hostOption,
  moneyOption,
  windowOption,
} from "./options.ts";
import { print, escaped, messageOf } from "./text.ts";
import type { BalanceOptions } from "./wallet-balance.ts";
import { removeBudget, setBudget, showBudgets } from "./wallet-budget.ts";
import { showHistory, showLastPayments } from "./wallet-history.ts";
import { createKey, importKey, showAddress } from "./wallet-key.ts";
import type { ReconcileOptions } from "./wallet-reconcile.ts";

const HELP = `
Alone it shows the address, the budgets and the last payments.

Environment:
${KEY_HELP}
  EVM_RPC_URL          JSON-RPC endpoints, with commas between them, for balance and reconcile
  EVM_NETWORK          their network; without it each is asked

The wallet's folder holds keystore.json (the locked key), wallet.json (budgets, endpoints) and spending (payments).

Exit codes: 0 done, 1 failed (an endpoint does not answer), 2 wrong arguments, configuration or password.

Examples:
  farthing wallet create
  farthing wallet budget set 5 --per day
  farthing wallet balance --rpc eip155:8453=https://mainnet.base.org`;

const RPC: [string, string, typeof collect, string[]] = [
  "--rpc <network=url>",
  "endpoint such as eip155:8453=https://...; may be repeated",
  collect,
  [],
];

/** `farthing wallet`: the key, the budgets and the payments of an agent. */
export function walletCommand(): Command {
  const wallet = withKey(new Command("wallet"))
    .description("the key, the budgets and the payments of an agent")
    .addHelpText("after", HELP)
    .enablePositionalOptions()
    .action(run(overview));
  withKey(wallet.command("create"))
    .description("make a new key, locked with a password")
    .action(run(createKey));
  withKey(wallet.command("import"))
    .description("lock a key of yours: from EVM_PRIVATE_KEY, else from standard input")
    .addHelpText("after", "\nExample:\n  farthing wallet import < key.txt")
    .action(run(importKey));
  withKey(wallet.command("address"))
    .description("print the address that pays")
    .action(run(showAddress));
  withKey(wallet.command("balance"))
    .description("print what the address has of every known token")
    .option("--address <address>", "of this address in place of the wallet's", addressOption)
    .option(...RPC)
    .option("--json", "print one JSON object")
    .addHelpText("after", "\nExample:\n  farthing wallet balance --rpc http://127.0.0.1:8545")
    .action(run(showBalance));
  withStore(wallet.command("history"))
    .description("list payments, the newest first")
    .option("-n, --limit <count>", "how many", countOption, 20)
    .option("--json", "print one JSON object")
    .addHelpText("after", "\nExample:\n  farthing wallet history --limit 100 --json")
    .action(run(showHistory));
  withStore(wallet.command("budgets"))
    .description("list the budgets, and what is left of each")
    .option("--json", "print one JSON array")
    .action(run(showBudgets));
  withStore(wallet.command("reconcile"))
    .description("ask the chain about payments that are counted, and were not seen to be taken")
    .option(...RPC)
    .addHelpText(
      "after",
      "\nExample:\n  farthing wallet reconcile --rpc eip155:8453=https://mainnet.base.org",
    )
    .action(run(reconcile));
  wallet.addCommand(budgetCommand());
  return wallet;
}

function budgetCommand(): Command {
  const budget = new Command("budget").description("set and remove budgets of every payment");
  budget
    .command("set")
    .description("add a budget, or change the one that counts the same")
    .argument("<limit>", 'dollars such as "5", or tokens such as "5 EURC"', moneyOption)
    .option(
      "--per <window>",
      'in any "hour", "day" or "week", or "30m" to "31d" (default: ever)',
      windowOption,
    )
    .option("--host <host>", "count payments to this host alone", hostOption)
    .option("--payee <address>", "count payments to this address alone", addressOption)
    .option("--each <kind>", 'count each "host" or each "payee" by itself')
    .addHelpText(
      "after",
      "\nExample:\n  farthing wallet budget set 0.50 --per hour --host api.example.com",
    )
    .action(run(setBudget));
  withStore(budget.command("list"))
    .description("as farthing wallet budgets")
    .option("--json", "print one JSON array")
    .action(run(showBudgets));
  budget
    .command("remove")
    .description("remove a budget")
    .argument("<number>", "its number in the list", countOption)
    .action(run(removeBudget));
  return budget;
}

const withKey = (command: Command): Command =>
  command
    .option("--keystore <file>", "encrypted key (default keystore.json in the wallet's folder)")
    .option("--password-file <file>", "file with the password of the keystore");

const withStore = (command: Command): Command =>
  command.option(
    "--store <file>",
    "where payments are written down (default: in the wallet's folder)",
  );

/** What asks a chain is loaded when it does. */
async function showBalance(options: BalanceOptions): Promise<void> {
  await (await import("./wallet-balance.ts")).showBalance(options);
}

async function reconcile(options: ReconcileOptions): Promise<void> {
  await (await import("./wallet-reconcile.ts")).reconcile(options);
}

/** Says what went wrong in one line. */
function run<T extends unknown[]>(action: (...args: T) => Promise<void> | void) {
  return async (...args: T): Promise<void> => {
    try {
      await action(...args);
    } catch (error) {
      fail(error instanceof UsageError ? EXIT.usage : EXIT.failed, messageOf(error));
    }
  };
}

async function overview(options: KeyOptions): Promise<void> {
  const address = await openAddress(options);
  print(`Wallet   ${escaped(homeFolder())}\n`);
  print(`Address  ${address ?? 'none yet: make a key with "farthing wallet create"'}\n\n`);
  await showBudgets({});
  print("\n");
  await showLastPayments(5);
}
