/**
 * What a node's refusal of a transaction means. The phrases are those of geth, reth, erigon, nethermind and anvil; the
 * codes differ between them and say little.
 */
export type BroadcastOutcome =
  /** In the pool, or already there. */
  | "accepted"
  /** Another transaction with this nonce was mined. */
  | "nonce_too_low"
  /** The fee is too low for this node or for replacing the one that holds the nonce. */
  | "underpriced"
  /** The signer cannot pay the gas. */
  | "insufficient_funds"
  /** Refused for good; nothing was broadcast. */
  | "refused"
  /** No answer, or one that says nothing: it may have been broadcast. */
  | "unknown";

const PHRASES: readonly (readonly [RegExp, BroadcastOutcome])[] = [
  [/already known|already imported|known transaction|already exists|alreadyknown/i, "accepted"],
  [
    /nonce too low|nonce is too low|oldnonce|old nonce|invalid nonce|nonce has already been used/i,
    "nonce_too_low",
  ],
  [/underpriced|fee ?too ?low|max fee per gas less than block base fee|feetoolow/i, "underpriced"],
  [/insufficient funds|insufficientfunds|overshot/i, "insufficient_funds"],
  [
    /intrinsic gas|exceeds block gas limit|gas limit|invalid sender|invalid signature|chain ?id/i,
    "refused",
  ],
];

/** Class of a node's error message for `eth_sendRawTransaction`. */
export function classifyBroadcastError(message: string): BroadcastOutcome {
  return PHRASES.find(([phrase]) => phrase.test(message))?.[1] ?? "unknown";
}

/** Whether an `eth_call` error is the EVM's answer (a revert, out of gas) and not a failure of the node. */
export function isExecutionError(code: number, message: string): boolean {
  return (
    code === 3 ||
    /revert|out of gas|outofgas|invalid opcode|stack (under|over)flow|evm error|vm execution/i.test(
      message,
    )
  );
}
