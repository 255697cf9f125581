/** Calls to x402's Permit2 proxies, by hand: a test compares with viem. */
import { MULTICALL3_ADDRESS } from "../../../contracts-abi/multicall3.ts";
import { hexWord, uintWord } from "../../core/hex.ts";
import type { Call, Hex } from "../../core/scheme.ts";
import { parseAggregate } from "../aggregate-calls.ts";
import { parseEcdsa } from "../signature.ts";
import type { Permit2Kind, Permit2Payment } from "./kind.ts";

const WORD = 64;
/** Words of `permit2612`, which `settleWithPermit` has before all others. */
const PERMIT_2612_WORDS = 5;

/** What the proxy is told beside the signature: permit, amount where there is one, owner, witness. */
function terms<P extends Permit2Payment>(kind: Permit2Kind<P>, payment: P): string {
  return (
    hexWord(payment.asset) +
    uintWord(payment.permitted) +
    uintWord(payment.nonce) +
    uintWord(payment.deadline) +
    kind.amountWords(payment) +
    hexWord(payment.payer) +
    kind.witnessWords(payment)
  );
}

/** Words of the EIP-2612 permit that comes first, if there is one. */
function permit2612Words({ permitted, permit2612 }: Permit2Payment): string {
  if (permit2612 === undefined) return "";
  const { deadline, r, s, yParity } = permit2612;
  return [permitted, deadline, r, s, yParity + 27].map((value) => uintWord(value)).join("");
}

/** Calldata of `settle` or `settleWithPermit`, with the signature in its one form of 65 bytes. */
export function settleCall<P extends Permit2Payment>(kind: Permit2Kind<P>, payment: P): Call {
  const signature = parseEcdsa(payment.signature);
  if (signature === undefined)
    throw new TypeError("settleCall needs a payment whose signature was verified");
  const { r, s, yParity } = signature;
  const head = permit2612Words(payment) + terms(kind, payment);
  const selector = payment.permit2612 ? kind.settleWithPermit : kind.settle;
  const bytes = uintWord(r) + uintWord(s) + (yParity + 27).toString(16);
  const offset = uintWord(head.length / 2 + 32);
  const data: Hex = `${selector}${head}${offset}${uintWord(65)}${bytes.padEnd(3 * WORD, "0")}`;
  return { to: kind.proxy, data };
}

/**
 * Whether a call, if it succeeds and is followed by the payment's logs, used the permit of this payment: it is made to
 * the proxy with these terms; or through Multicall3 together with others of the proxy, all in this token, none of them
 * the same payer's. Of any other contract nobody can say what it did in between.
 */
export function settles<P extends Permit2Payment>(
  kind: Permit2Kind<P>,
  payment: P,
  call: Call,
): boolean {
  const wanted = terms(kind, payment);
  if (isTo(call, kind.proxy)) return termsOf(kind, call, wanted.length) === wanted;
  if (!isTo(call, MULTICALL3_ADDRESS)) return false;
  const all = parseAggregate(call.data)?.map((inner) =>
    isTo(inner, kind.proxy) ? termsOf(kind, inner, wanted.length) : undefined,
  );
  const token = wanted.slice(0, WORD);
  const owner = kind.amountWords(payment).length + 4 * WORD;
  const payer = wanted.slice(owner, owner + WORD);
  return (
    all !== undefined &&
    all.every((each) => each?.startsWith(token) === true) &&
    all.filter((each) => each?.startsWith(payer, owner) === true).length === 1 &&
    all.includes(wanted)
  );
}

function termsOf(kind: Permit2Kind<never>, { data }: Call, length: number): string | undefined {
  const selector = data.slice(0, 10).toLowerCase();
  const from =
    selector === kind.settle
      ? 10
      : selector === kind.settleWithPermit
        ? 10 + PERMIT_2612_WORDS * WORD
        : undefined;
  return from === undefined ? undefined : data.slice(from, from + length).toLowerCase();
}

const isTo = (call: Call, address: Hex): boolean => call.to.toLowerCase() === address.toLowerCase();
