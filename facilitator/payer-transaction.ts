/** Transactions that payers have signed and that have to be mined before their payments: relayed, not paid for. */
import { X402Error } from "../src/core/errors.ts";
import type { PayerTransaction } from "../src/core/payer-transaction.ts";
import type { Reason } from "../src/core/reasons.ts";
import type { Hex } from "../src/core/scheme.ts";
import type { Ledger } from "../src/ledger/ledger.ts";
import type { Opened } from "./carry-out.ts";
import type { EvmChain } from "./chain.ts";

/** The longest pause between two looks for the receipt. */
const POLL_MS = 250;

/**
 * Why a payment that fails in simulation is refused; nothing when all that it needs is its payer's own transaction, which
 * can be sent.
 */
export async function diagnoseAll(opened: Opened): Promise<Reason | undefined> {
  const { scheme, payment } = opened;
  const { chain } = opened.chain;
  const reason = await scheme.diagnose(payment, chain);
  const first = scheme.payerTransaction?.(payment);
  if (first === undefined || reason !== first.missing) return reason;
  const problem = await whyNotSent(chain, payment.payer, first);
  if (problem === undefined || !(await isMined(chain, first))) return problem;
  // It was mined meanwhile, or long ago and taken back since.
  return (await simulate(opened)) ? undefined : reason;
}

/** Whether the settlement would succeed now, with the gas that it is to get. */
export async function simulate(opened: Opened): Promise<boolean> {
  const { scheme, payment, settlementCall } = opened;
  const { chain, signers } = opened.chain;
  const { ok } = await chain.call({
    from: signers[0]!.address,
    ...scheme.simulation(payment),
    gas: settlementCall.gasLimit,
    ...(settlementCall.liable && { fees: await chain.fees(), untrusted: true }),
  });
  return ok;
}

const isMined = async (chain: EvmChain, { hash }: PayerTransaction): Promise<boolean> =>
  (await chain.receipt(hash))?.success === true;

/**
 * Sends what a payer has signed, and waits until it is mined, if that is what a payment lacks. Sending the same bytes
 * again changes nothing, so that no step of this has to be remembered: whoever asks again after a crash goes on where
 * the chain is.
 *
 * @returns why the payment cannot be settled.
 * @throws X402Error when it is not mined in time.
 */
export async function sendPayerTransaction(
  opened: Opened,
  ledger: Ledger,
  timeoutMs: number,
): Promise<Reason | undefined> {
  const { scheme, payment, key } = opened;
  const { chain } = opened.chain;
  const first = scheme.payerTransaction?.(payment);
  if (first === undefined || scheme.isFree?.(payment) === true) return undefined;
  if ((await ledger.get(key)) !== undefined) return undefined;
  // What else is wrong is found where all payments are simulated.
  if (await simulate(opened)) return undefined;
  if ((await scheme.diagnose(payment, chain)) !== first.missing) return undefined;
  const problem = await whyNotSent(chain, payment.payer, first);
  if (problem !== undefined) return (await isMined(chain, first)) ? undefined : problem;
  const outcome = await chain.broadcast(first.raw);
  if (outcome === "insufficient_funds") return first.unfunded;
  if (outcome === "refused" || outcome === "underpriced") return first.failed;
  const deadlineMs = Date.now() + timeoutMs;
  for (;;) {
    const receipt = await chain.receipt(first.hash);
    if (receipt !== undefined) return receipt.success ? undefined : first.failed;
    // Another transaction of the payer's has the nonce.
    if (outcome === "nonce_too_low") return first.failed;
    if (Date.now() >= deadlineMs)
      throw new X402Error("settlement_pending", "the payer's approval is not mined yet", {
        retry: "unsafe",
      });
    await new Promise((resolve) => setTimeout(resolve, Math.min(POLL_MS, chain.blockTimeMs() / 2)));
  }
}

async function whyNotSent(
  chain: EvmChain,
  payer: Hex,
  { nonce, gas, maxFeePerGas, call, failed, unfunded }: PayerTransaction,
): Promise<Reason | undefined> {
  const [next, balance, head, hasCode, dry] = await Promise.all([
    chain.nonce(payer, "latest"),
    chain.balance(payer),
    chain.head(),
    chain.haveCode([payer]),
    chain.call({ ...call, from: payer, gas }),
  ]);
  const canBeMined =
    next === nonce && maxFeePerGas >= head.baseFeePerGas && dry.ok && hasCode[0] !== true;
  if (!canBeMined) return failed;
  return balance < gas * maxFeePerGas ? unfunded : undefined;
}
