import { Command, InvalidArgumentError } from "commander";
import { readFileSync, writeFileSync } from "node:fs";
import { privateKeyToAccount } from "viem/accounts";
import { getPaymentReceipt, wrapFetchWithPayment } from "../src/client/index.ts";
import { formatAmount, isAtomicAmount, parseAmount } from "../src/core/amount.ts";
import { X402Error } from "../src/core/errors.ts";
import type { SettleResponse } from "../src/core/messages.ts";
import type { Hex } from "../src/core/scheme.ts";
import { exactEvm, KNOWN_ASSETS, uptoEvm, type EvmSigner } from "../src/evm/index.ts";
import { EXIT, fail } from "./exit.ts";

const HELP = `
Environment:
  EVM_PRIVATE_KEY   key of the account that pays (not needed with --dry-run)

Exit codes: 0 answered, 1 failed (no connection), 2 wrong arguments, 3 nothing was paid (over --max-amount,
or nothing that can be paid), 4 the server answered with an error status.

Example:
  farthing pay https://example.com/report --max-amount 0.05`;

interface PayOptions {
  readonly request?: string;
  readonly header: readonly string[];
  readonly data?: string;
  readonly output?: string;
  readonly maxAmount: string;
  readonly dryRun?: true;
  readonly json?: true;
}

type TypedData = Parameters<EvmSigner["signTypedData"]>[0];

/** `farthing pay <url>`: fetches like curl, and pays when asked to. */
export function payCommand(): Command {
  return new Command("pay")
    .description("fetch a URL and pay for it when it answers 402")
    .argument("<url>", "what to fetch", parseUrl)
    .option("-X, --request <method>", "HTTP method (default GET, or POST with -d)")
    .option(
      "-H, --header <header>",
      'header such as "Accept: text/plain"; may be repeated',
      collect,
      [],
    )
    .option("-d, --data <data>", "body to send; @file reads it from a file, @- from standard input")
    .option("-o, --output <file>", "write the response body to a file")
    .option("--max-amount <dollars>", "the most that may be paid, in dollars", parseDollars, "1")
    .option("--dry-run", "show what would be signed; sign and pay nothing")
    .option("--json", "print one JSON object: status, receipt and body")
    .addHelpText("after", HELP)
    .action(async (url: string, options: PayOptions) => {
      try {
        await pay(url, options);
      } catch (error) {
        if (error instanceof X402Error)
          fail(error.code === "payment_refused" ? EXIT.refused : EXIT.failed, error.message);
        else if (error instanceof UsageError) fail(EXIT.usage, error.message);
        else fail(EXIT.failed, `${url}: ${describeFailure(error)}`);
      }
    });
}

async function pay(url: string, options: PayOptions): Promise<void> {
  let typedData: TypedData | undefined;
  const account = watching(keyOf(!options.dryRun), options.dryRun ?? false, (seen) => {
    typedData = seen;
  });
  const fetch = wrapFetchWithPayment(globalThis.fetch, {
    schemes: [exactEvm({ account }), uptoEvm({ account })],
    maxAmount: options.maxAmount,
  });
  let response: Response;
  try {
    response = await fetch(url, requestOf(options));
  } catch (error) {
    if (typedData === undefined || !options.dryRun) throw error;
    reportDryRun(typedData, options);
    return;
  }
  const receipt = getPaymentReceipt(response);
  const body = new Uint8Array(await response.arrayBuffer());
  if (options.output !== undefined) writeFileSync(options.output, body);
  if (options.json) {
    print({
      status: response.status,
      paid: receipt?.success ?? false,
      receipt: receipt ?? null,
      body: textOf(body),
    });
  } else {
    if (options.output === undefined) process.stdout.write(body);
    reportReceipt(receipt, typedData);
  }
  if (response.status >= 400)
    fail(EXIT.httpError, `the server answered ${response.status} ${response.statusText}`.trimEnd());
}

function keyOf(required: boolean): EvmSigner {
  const key = process.env["EVM_PRIVATE_KEY"] ?? "";
  if (/^0x[0-9a-fA-F]{64}$/.test(key)) return privateKeyToAccount(key as Hex);
  if (key !== "")
    throw new UsageError("EVM_PRIVATE_KEY must be a private key: 0x and 64 hex digits");
  if (required)
    throw new UsageError(
      "EVM_PRIVATE_KEY is missing: set it to the key that pays, or use --dry-run",
    );
  return {
    address: "0x0000000000000000000000000000000000000000",
    signTypedData: () => Promise.reject(new Error()),
  };
}

/** An account that shows what it is asked to sign, and in a dry run does not sign it. */
function watching(
  account: EvmSigner,
  dryRun: boolean,
  see: (typedData: TypedData) => void,
): EvmSigner {
  return {
    address: account.address,
    signTypedData(typedData) {
      see(typedData);
      return dryRun ? Promise.reject(new Error("dry run")) : account.signTypedData(typedData);
    },
  };
}

function requestOf(options: PayOptions): RequestInit {
  const headers = new Headers();
  for (const header of options.header) {
    const colon = header.indexOf(":");
    if (colon < 1) throw new UsageError(`-H "${header}" must be of the form "Name: value"`);
    headers.append(header.slice(0, colon).trim(), header.slice(colon + 1).trim());
  }
  const body = options.data === undefined ? undefined : readData(options.data);
  if (body !== undefined && !headers.has("content-type")) {
    headers.set("Content-Type", "application/x-www-form-urlencoded");
  }
  const method = options.request ?? (body === undefined ? "GET" : "POST");
  return { method, headers, ...(body !== undefined && { body }) };
}

function readData(data: string): string | Buffer<ArrayBuffer> {
  if (!data.startsWith("@")) return data;
  try {
    return readFileSync(data === "@-" ? 0 : data.slice(1));
  } catch {
    throw new UsageError(`-d ${data}: the file cannot be read`);
  }
}

/** What a signature pays, by EIP-3009 or Permit2. */
function termsOf({ domain, message, primaryType }: TypedData) {
  const network = `eip155:${domain.chainId}`;
  if (primaryType === "TransferWithAuthorization") {
    const { to, value } = message as { to: string; value: bigint };
    return { network, asset: domain.verifyingContract, payTo: to, amount: value };
  }
  const { permitted, witness } = message as {
    permitted: { token: string; amount: string };
    witness: { to: string };
  };
  return {
    network,
    asset: permitted.token,
    payTo: witness.to,
    amount: BigInt(permitted.amount),
  };
}

function reportDryRun(typedData: TypedData, options: PayOptions): void {
  const { network, asset, payTo, amount } = termsOf(typedData);
  if (options.json) {
    print({ dryRun: true, network, asset, payTo, amount: amount.toString(), typedData });
    return;
  }
  process.stdout.write(`Would pay ${human(amount, network, asset)} to ${payTo}.\nWould sign:\n`);
  print(typedData);
}

function reportReceipt(receipt: SettleResponse | undefined, signed: TypedData | undefined): void {
  if (receipt === undefined || signed === undefined) return;
  const { success, transaction, errorReason } = receipt;
  const { network, asset, payTo, amount } = termsOf(signed);
  // In `upto` it is less than was signed.
  const charged = isAtomicAmount(receipt.amount ?? "") ? BigInt(receipt.amount ?? "") : amount;
  const price = human(charged, network, asset);
  process.stderr.write(
    success
      ? `\nPaid ${price} to ${payTo}: transaction ${escaped(transaction)}\n`
      : `\nNot paid: ${escaped(errorReason ?? "no reason given")}\n`,
  );
}

/** Text of a server for a terminal: nothing but printable ASCII. */
const escaped = (text: string): string =>
  text.replace(/[^\x20-\x7e]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);

function human(amount: bigint, network: string, asset: string): string {
  const known = KNOWN_ASSETS.find(
    (candidate) => candidate.network === network && candidate.address === asset,
  );
  return known === undefined
    ? `${amount} of ${asset} on ${network}`
    : `${formatAmount(amount, known.decimals)} ${known.symbol} on ${network}`;
}

const print = (value: unknown): void => {
  const text = JSON.stringify(
    value,
    (_, item: unknown) => (typeof item === "bigint" ? item.toString() : item),
    2,
  );
  process.stdout.write(`${text}\n`);
};

function textOf(body: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    return Buffer.from(body).toString("base64");
  }
}

class UsageError extends Error {}

const collect = (value: string, earlier: readonly string[]): string[] => [...earlier, value];

function parseUrl(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url?.protocol === "http:" || url?.protocol === "https:") return url.href;
  throw new InvalidArgumentError("It must be an http or https URL.");
}

function parseDollars(value: string): string {
  try {
    parseAmount(value, 36);
    return value;
  } catch {
    throw new InvalidArgumentError('It must be dollars such as "0.05".');
  }
}

function describeFailure(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  return cause instanceof Error ? cause.message : String(cause);
}
