/** What a payment with Permit2 reads from the chain, and finds in its logs. */
import { hexWord, uintWord } from "../../core/hex.ts";
import type { Reason } from "../../core/reasons.ts";
import type { Call, ChainReader, Hex, Log, SettlementCall } from "../../core/scheme.ts";
import type { Permit2Kind, Permit2Payment } from "./kind.ts";
import { allowanceCall, nonceCall } from "./reads.ts";

/** Selectors and topics: keccak256 of the signatures in `contracts-abi` (a test compares). */
const BALANCE_OF = "0x70a08231";
const PROXY_PERMIT2 = "0x6afdd850";
const TRANSFER_TOPIC = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef";
const SETTLED_TOPICS: ReadonlySet<string | undefined> = new Set([
  "0x97088ec3606cfe8cc112180570d03fcde05f9b8e1bfef8e27784eaf5dd5691b6", // Settled()
  "0xde5b89d10fc800c459329c382fabfcad0be0ed7e5328e01fae04e507b09ef5d8", // SettledWithPermit()
]);

/** Errors of the proxies and of Permit2 by selector. */
const REVERTS: Readonly<Record<string, Reason>> = {
  "0x2c5211c6": "permit2_invalid_amount",
  "0xac6b05f5": "permit2_invalid_destination",
  "0x49e27cff": "permit2_invalid_owner",
  "0xa65539fa": "permit2_payment_too_early",
  "0x050cda49": "permit2_2612_amount_mismatch",
  "0x756688fe": "permit2_invalid_nonce",
  "0xcd21db4f": "permit2_deadline_expired",
  "0x815e1d64": "invalid_permit2_signature",
  "0x8baa579f": "invalid_permit2_signature",
  "0xb0669cbc": "invalid_permit2_signature",
  "0x4be6321b": "invalid_permit2_signature",
};

export function balanceCall({ asset, payer }: Permit2Payment): Call {
  return { to: asset, data: `${BALANCE_OF}${hexWord(payer)}` };
}

/** Topics of the transfer, which names payer and payee. */
export function transferTopics({ payer, payTo }: Permit2Payment): readonly Hex[] {
  return [TRANSFER_TOPIC, `0x${hexWord(payer)}`, `0x${hexWord(payTo)}`];
}

export async function diagnosePermit2<P extends Permit2Payment>(
  kind: Permit2Kind<P>,
  payment: P,
  { to, data, sender, gasLimit, liable }: SettlementCall,
  chain: ChainReader,
): Promise<Reason> {
  const nonce = nonceCall(payment);
  const [code, proxy, bitmap, balance, allowance, again] = await Promise.all([
    chain.code(payment.asset),
    chain.call({ to: kind.proxy, data: PROXY_PERMIT2 }),
    chain.call({ to: nonce.to, data: nonce.data }),
    chain.call(balanceCall(payment)),
    chain.call(allowanceCall(payment.asset, payment.payer)),
    chain.call({
      to,
      data,
      ...(sender && { from: sender }),
      ...(liable && { gas: gasLimit, untrusted: true }),
    }),
  ]);
  if (code === "0x") return "asset_not_deployed_contract";
  if (uintResult(proxy) === undefined) return "permit2_proxy_not_deployed";
  const used = uintResult(bitmap);
  if (used !== undefined && (used & (nonce.mask ?? 0n)) !== 0n) return "permit2_invalid_nonce";
  if ((uintResult(balance) ?? payment.amount) < payment.amount)
    return "permit2_insufficient_balance";
  const said = again.ok ? undefined : REVERTS[again.data.slice(0, 10)];
  // A permit of EIP-2612 may give what is not there yet, and the proxy refuse something else.
  if (payment.permit2612 !== undefined && said !== undefined) return said;
  if ((uintResult(allowance) ?? payment.amount) < payment.amount)
    return "permit2_allowance_required";
  return said ?? "permit2_simulation_failed";
}

function uintResult(result: { ok: boolean; data: Hex }): bigint | undefined {
  return result.ok && result.data.length === 66 ? BigInt(result.data) : undefined;
}

/**
 * The token logs the transfer, and then the proxy, without arguments, that it has settled. No two payments of one payer
 * are in a transaction of ours: a transfer of theirs is of this payment.
 */
export function hasSettled<P extends Permit2Payment>(
  { proxy }: Permit2Kind<P>,
  payment: P,
  logs: readonly Log[],
): boolean {
  const [topic, from, to] = transferTopics(payment);
  const transfers = logs.flatMap(({ address, topics }, index) =>
    address.toLowerCase() === payment.asset && topics[0] === topic && topics[1] === from
      ? [index]
      : [],
  );
  const [at = -1] = transfers;
  const transfer = logs[at];
  return (
    transfers.length === 1 &&
    transfer !== undefined &&
    transfer.topics[2] === to &&
    transfer.data === `0x${uintWord(payment.amount)}` &&
    logs
      .slice(at)
      .some(
        ({ address, topics }) => address.toLowerCase() === proxy && SETTLED_TOPICS.has(topics[0]),
      )
  );
}
