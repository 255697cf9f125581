/** What `farthing pay` does. */
import { getPaymentReceipt, wrapFetchWithPayment } from "../src/client/index.ts";
import type { SettleResponse } from "../src/core/messages.ts";
import type { EvmSigner } from "../src/evm/index.ts";
import { dryAccount, reportDryRun, type TypedData } from "./dry-run.ts";
import { EXIT, fail } from "./exit.ts";
import { openAccount, type KeyOptions } from "./key.ts";
import { explain } from "./pay-failure.ts";
import { followPayment } from "./pay-events.ts";
import { printBody, reportReceipt, textOf } from "./pay-output.ts";
import { openOutput, requestOf, type RequestOptions } from "./pay-request.ts";
import { openWallet, type WalletFlags } from "./pay-wallet.ts";
import { escaped, note, printJson } from "./text.ts";

export interface PayOptions extends RequestOptions, WalletFlags, KeyOptions {
  readonly output?: string | undefined;
  readonly timeout?: number;
  readonly dryRun?: true;
  readonly json?: true;
}

/** @throws UsageError, and what failed before anything was signed. */
export async function runPay(url: string, options: PayOptions): Promise<void> {
  let typedData: TypedData | undefined;
  const account: EvmSigner = options.dryRun
    ? await dryAccount(options, (seen) => (typedData = seen))
    : await openAccount(options);
  const request = requestOf(options);
  const output = options.output === undefined ? undefined : openOutput(options.output);
  const stop = stopSignal(options.timeout);
  const { story, onEvent } = followPayment();
  const wallet = openWallet(account, options, stop.signal, story);
  const fetch = wrapFetchWithPayment(wallet.fetch, { ...wallet.options, onEvent });
  try {
    const response = await fetch(url, { ...request, signal: stop.signal });
    const body = new Uint8Array(await response.arrayBuffer());
    const isWritten = output === undefined || output.write(body);
    report(response, body, isWritten ? options : { ...options, output: undefined });
    reportReceipt(readReceipt(response), story, options.json ?? false);
    if (response.status >= 400) {
      const { status, statusText } = response;
      fail(EXIT.httpError, `the server answered ${status} ${escaped(statusText)}`.trimEnd());
    }
  } catch (error) {
    if (typedData !== undefined) return reportDryRun(typedData, options.json ?? false);
    explain(error, url, story, options);
  } finally {
    stop.end();
    output?.leave();
    await wallet.close();
  }
}

function report(response: Response, body: Uint8Array, options: PayOptions): void {
  if (!options.json) {
    if (options.output === undefined) printBody(body);
    return;
  }
  const receipt = readReceipt(response);
  printJson({
    status: response.status,
    paid: receipt?.success ?? false,
    receipt: receipt ?? null,
    ...(options.output === undefined ? textOf(body) : { output: options.output }),
  });
}

/** A receipt that cannot be read must not lose the answer. */
function readReceipt(response: Response): SettleResponse | undefined {
  try {
    return getPaymentReceipt(response);
  } catch {
    return undefined;
  }
}

/** Aborts after a time, and at Ctrl-C: then it can still be said what the payment's state is. */
function stopSignal(seconds: number | undefined): { signal: AbortSignal; end(): void } {
  const abort = new AbortController();
  const late = () => abort.abort(new Error(`no answer in ${seconds} s`));
  const timer = seconds === undefined ? undefined : setTimeout(late, seconds * 1000);
  const interrupt = () => {
    note("farthing: interrupted");
    abort.abort(new Error("it was interrupted"));
  };
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const name of signals) process.once(name, interrupt);
  return {
    signal: abort.signal,
    end() {
      clearTimeout(timer);
      for (const name of signals) process.off(name, interrupt);
    },
  };
}
