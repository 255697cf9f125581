import { Command } from "commander";
import { EXIT, fail, UsageError } from "./exit.ts";
import { KEY_HELP } from "./key.ts";
import {
  collect,
  countOption,
  hostsOption,
  moneyOption,
  secondsOption,
  urlOption,
} from "./options.ts";
import { runPay, type PayOptions } from "./pay-run.ts";
import { escaped, messageOf } from "./text.ts";

const HELP = `
Environment:
${KEY_HELP}

Budgets of "farthing wallet budget set" hold for every payment; those given here come on top. They count all that
this wallet has paid and may have paid. Amounts are dollars ("0.05"), or tokens of another kind ("5 EURC").

A payment is presented again until it is known what became of it: by this command, and after a lost connection, a
timeout or a kill by the next command with the same method, URL and body (or Idempotency-Key). Nothing is paid twice.

Exit codes:
  0  answered
  1  failed, and nothing was signed: no connection, an unreadable answer
  2  wrong arguments or configuration
  3  nothing was paid: over a limit or a budget, not confirmed, or no offer that can be paid
  4  the server answered with an error status
  5  signed, and it is not known whether it was taken: run the same command again
  6  signed, and the server does not take it

Examples:
  farthing pay https://example.com/report --max-amount 0.05
  farthing pay https://example.com/ask -d @question.json -H "Content-Type: application/json" --budget-per-day 2
  farthing pay https://example.com/report --confirm-above 0.10 --allow-host example.com --pin`;

/** `farthing pay <url>`: fetches like curl, and pays when asked to. */
export function payCommand(): Command {
  return new Command("pay")
    .description("fetch a URL and pay for it when it answers 402")
    .argument("<url>", "what to fetch", urlOption)
    .option("-X, --request <method>", "HTTP method (default GET, or POST with -d)")
    .option(
      "-H, --header <header>",
      'header such as "Accept: text/plain"; may be repeated',
      collect,
      [],
    )
    .option("-d, --data <data>", "body to send; @file reads it from a file, @- from standard input")
    .option("-o, --output <file>", "write the response body to a file")
    .option("--max-amount <money>", "the most that one payment may cost", moneyOption, "1")
    .option("--budget <money>", "the most that this wallet may have paid in all", moneyOption)
    .option("--budget-per-day <money>", "the most that it may pay in any 24 hours", moneyOption)
    .option("--confirm", "ask on the terminal before a payment is signed")
    .option("--confirm-above <money>", "ask only about payments over this", moneyOption)
    .option("-y, --yes", "answer such questions with yes")
    .option("--allow-host <host>", "pay this host and no other; may be repeated", hostsOption, [])
    .option("--deny-host <host>", "do not pay this host; may be repeated", hostsOption, [])
    .option("--pin", "pay a server at the address that it was paid at first, and at no other")
    .option("--public-only", "refuse addresses of this machine and of private networks")
    .option("--timeout <seconds>", "give up after this long", secondsOption)
    .option("--retries <count>", "how often a payment is presented again", countOption, 5)
    .option("--idempotency-key <key>", "name of this request; with another one it is paid for anew")
    .option("--keystore <file>", "encrypted key (default keystore.json in the wallet's folder)")
    .option("--password-file <file>", "file with the password of the keystore")
    .option("--store <file>", "where payments are written down (default: in the wallet's folder)")
    .option(
      "--no-history",
      "write nothing down: no budgets, and no protection over several commands",
    )
    .option("--dry-run", "show what would be signed; sign and pay nothing")
    .option("--json", "print one JSON object: status, receipt and body, or the error")
    .addHelpText("after", HELP)
    .action(async (url: string, options: PayOptions) => {
      try {
        await runPay(url, options);
      } catch (error) {
        if (error instanceof UsageError) fail(EXIT.usage, escaped(error.message));
        else fail(EXIT.failed, `${escaped(url)}: ${messageOf(error)}`);
      }
    });
}
