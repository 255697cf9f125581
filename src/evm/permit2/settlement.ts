/** Calls to x402's Permit2 proxies, by hand: a test compares with viem. */
import { MULTICALL3_ADDRESS } from "../../../contracts-abi/multicall3.ts";
import { hexWord, uintWord } from "../../core/hex.ts";
import type { Call, Hex } from "../../core/scheme.ts";
import { parseAggregate } from "../aggregate-calls.ts";
import type { EcdsaSignature } from "../signature.ts";
import type { SignatureForm } from "../wallet-signature.ts";
import type { Permit2612, Permit2Kind, Permit2Payment } from "./kind.ts";

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
function permit2612Words(permitted: bigint, permit2612: Permit2612 | undefined): string {
  if (permit2612 === undefined) return "";
  const { deadline, r, s, yParity } = permit2612;
  return [permitted, deadline, r, s, yParity + 27].map((value) => uintWord(value)).join("");
}

/**
 * The EIP-2612 permit that a payment is settled with: of a payer whose signature is a key's only. The proxy hands on
 * what a key signs, and nothing else; a wallet has to have allowed Permit2 before.
 */
export const usedPermit = (
  { permit2612 }: Permit2Payment,
  form: SignatureForm,
): Permit2612 | undefined => (form.by === "key" ? permit2612 : undefined);

/**
 * Calldata of `settle` or `settleWithPermit`: with a key's signature in its one form of 65 bytes, with a wallet's as it
 * is.
 */
export function settleCall<P extends Permit2Payment>(
  kind: Permit2Kind<P>,
  payment: P,
  form: SignatureForm,
): Call {
  const permit = usedPermit(payment, form);
  const head = permit2612Words(payment.permitted, permit) + terms(kind, payment);
  const selector = permit === undefined ? kind.settle : kind.settleWithPermit;
  const bytes = form.by === "key" ? packed(form.ecdsa) : form.signature.slice(2);
  const padding = "0".repeat((WORD - (bytes.length % WORD)) % WORD);
  const offset = uintWord(head.length / 2 + 32);
  const signature = uintWord(bytes.length / 2) + bytes + padding;
  return { to: kind.proxy, data: `${selector}${head}${offset}${signature}` };
}

const packed = ({ r, s, yParity }: EcdsaSignature): string =>
  uintWord(r) + uintWord(s) + (yParity + 27).toString(16);

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
