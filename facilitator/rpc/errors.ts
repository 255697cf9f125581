/**
 * What the error of a node means. Codes differ between nodes and say little, so phrases decide. Each is cited with the
 * software that says it; providers pass on what their nodes say, sometimes behind a prefix.
 */

/** The outcome of `eth_sendRawTransaction`. */
export type BroadcastOutcome =
  /** In the pool, or already there. */
  | "accepted"
  /** A transaction with this nonce was mined; it may be this one. */
  | "nonce_too_low"
  /** The fee is too low for this node or for replacing the one that holds the nonce. */
  | "underpriced"
  /** The signer cannot pay the gas. */
  | "insufficient_funds"
  /** Refused for good; nothing was broadcast. */
  | "refused"
  /** No answer, or one that says nothing: it may have been broadcast. */
  | "unknown";

/** The outcome of a read. */
export type ErrorClass =
  /** The EVM's answer to a call: it fails. */
  | "reverted"
  /** The request is wrong; every node would say so. */
  | "invalid"
  /** This endpoint does not have the method. */
  | "unsupported"
  /** Too many requests for this endpoint. */
  | "rate_limited"
  /** This endpoint cannot answer now; another may, or this one later. That goes for what nobody knows, too. */
  | "retryable";

/** A node's error as it came over JSON-RPC. */
export interface NodeError {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

/**
 * In this order: the first that matches counts. A nonce that is too high is not here on purpose: geth, reth and erigon
 * queue such a transaction, nethermind ("NonceGap", "nonce too high") and besu ("Nonce too high") drop it, and sending it
 * again once the gap is filled is right in either case, so it is `unknown`. Neither is a full pool (geth "txpool is full",
 * erigon "sub-pool is full", nitro "queue full"), nor a node that is syncing.
 */
const OUTCOMES: readonly (readonly [BroadcastOutcome, readonly RegExp[]])[] = [
  [
    "accepted",
    [
      /already known/i, // geth, reth, erigon, nethermind 1.32
      /known transaction/i, // geth before 1.9.14, besu
      /alreadyknown/i, // nethermind
      /already imported/i, // reth, anvil; openethereum "with the same hash was already imported"
      /existing txn? with same hash/i, // erigon
      /already in (the )?(mem)?pool|transaction already exists|tx already exists/i, // sei, others
    ],
  ],
  [
    "nonce_too_low",
    [
      /nonce (is )?too low/i, // geth, reth, erigon, nitro, besu, anvil; openethereum with "is"
      /nonce \d+ too low/i, // revm
      /oldnonce/i, // nethermind
      /nonce has already been used|nonce already used/i, // providers
      /already mined|transaction already finalized|^(\w+: )?mined$/i, // erigon "mined", harmony
    ],
  ],
  [
    "underpriced",
    [
      /underpriced/i, // geth and all that copy it: "transaction …", "replacement transaction …"
      /insufficient gas price to replace/i, // reth, anvil
      /could not replace existing tx/i, // erigon
      /replacementnotallowed/i, // nethermind
      /another (transaction|tx) (with|which has the) same nonce/i, // openethereum, klaytn
      /fee ?too ?low|insufficient fee\b/i, // erigon, nethermind "FeeTooLow", "FeeTooLowToCompete"; sei
      /(fee|fee ?cap|price).{0,20} less than .{0,20}base ?fee/i, // geth, anvil, nitro; revm "gas price is less than basefee"
      /gas price .{0,20}(too low|is too low|below)/i, // nitro, besu, bor, metis, openethereum
      /gas ?price is less than gas price minimum/i, // celo
      /fee ?cap \d+ below chain minimum/i, // reth
      /tip cap \d+, minimum needed/i, // geth
      /transaction discarded outright/i, // reth: a full pool of better ones
    ],
  ],
  [
    "insufficient_funds",
    [
      /insufficient ?funds/i, // geth, reth, erigon, nitro, anvil, nethermind
      /insufficient balance/i, // openethereum, zksync
      /upfront cost exceeds/i, // besu
      /not enough funds/i, // nitro
      /overdraft|overdraws/i, // geth, reth
      /lack of funds/i, // revm
    ],
  ],
  [
    "refused",
    [
      /intrinsic ?gas|floor data gas/i, // geth, reth, besu, anvil; erigon "IntrinsicGas"
      /block('s)? gas limit|gas ?limit ?(is |too |reached|exceeded|\d+ exceeds)/i, // geth, besu, anvil; erigon; nethermind; reth
      /max(imum)? transaction gas|gas limit is greater than/i, // EIP-7825 caps: geth, anvil
      /invalid sender|invalid signature|failed to (resolve|recover) ?sender|failedtoresolvesender/i, // geth, besu, nethermind
      /chain ?id/i, // geth, besu "Wrong chainId", anvil "invalid chain id for signer"
      /replay-protected|signed for another chain/i, // geth, anvil
      /sender (is )?not an eoa|senderiscontract|sender account not authorized|forbidden sender/i, // geth, nethermind, besu, nitro
      /transaction type|txn? type|type not supported/i, // geth, besu, nethermind, erigon "fork supporting this transaction type …"
      /priority fee per gas (higher|exceeds|greater)|greater than `?max_?fee_?per_?gas/i, // geth, besu, anvil
      /exceeds the configured cap|fee cap exceeded/i, // geth, besu: more ether of gas than the node's operator lets pass
      /oversized data|transaction too large|input data too large|rlptoolong/i, // geth, nethermind, reth, erigon
      /negative value|gas uint64 overflow|gasuintoverflow|cost overflow|int256overflow/i, // geth, erigon, nethermind
      /failed to decode|rlp: |typed transaction too short|invalid rlp/i, // reth, anvil, geth, openethereum
    ],
  ],
];

/** The EVM said so, and the rest is the contract's own text: anybody's, and not to be taken for the node's. */
const EXECUTION_REVERTED = /^(\w+: )?(execution reverted|vm exception)/i;

const RATE_LIMITED =
  /rate.?limit|too many requests|request rate|(request|call|usage|daily|monthly|plan|throughput|second) (count |capacity |request )?(limit|limited|exceeded|quota)|requests? limit|compute units|capacity (limit )?exceeded|credits limited|quota|limited to \d+\//i;

const UNSUPPORTED =
  /method .{0,80}(not (found|supported|available|enabled|exist|allowed|whitelisted)|disabled|unsupported)|(unsupported|unknown) method|not implemented|unimplemented|does not exist\/is not available/i;

const REVERTED =
  /revert|out of gas|outofgas|invalid opcode|opcode .{0,20}not defined|invalid jump|stack (under|over)flow|stack limit|evm error|vm execution error|transaction execution error|execution halted|due to an exception|gas required exceeds|write protection|max code size|intrinsic gas/i;

/** geth; reth: the chain has not said what is final. */
const NOTHING_FINAL = /(finalized|safe) block not found|block not found: (finalized|safe)/i;

/** A call with a price that its sender cannot pay (geth, anvil, erigon; revm) or that is under the base fee (geth). */
const CANNOT_PAY =
  /insufficient funds for gas|lack of funds \(|fee ?(cap|per gas).{0,20} less than .{0,20}base ?fee/i;

/** An execution that a node gave up on. geth: "execution aborted (timeout = 5s)". */
const GAVE_UP = /timeout|timed out|aborted/i;

/** Whether an error, whatever it answers, says that there were too many requests. */
export function isRateLimit({ code, message }: NodeError): boolean {
  // Alchemy sends 429. Infura's -32005 is something else with besu, QuickNode's -32007 too, so the phrase decides.
  return (
    code === 429 || (code !== 3 && !EXECUTION_REVERTED.test(message) && RATE_LIMITED.test(message))
  );
}

/** What a node's error for `eth_sendRawTransaction` means. Only a phrase that is known is definite. */
export function broadcastOutcome(error: NodeError): BroadcastOutcome {
  // nethermind and others put the reason into `data`.
  const text =
    typeof error.data === "string" && !error.data.startsWith("0x")
      ? `${error.message}: ${error.data}`
      : error.message;
  if (EXECUTION_REVERTED.test(text)) return "unknown";
  for (const [outcome, phrases] of OUTCOMES) {
    if (phrases.some((phrase) => phrase.test(text))) return outcome;
  }
  return "unknown";
}

/** Whether a call was not made because of its price. */
export function isAboutPrice({ code, message }: NodeError): boolean {
  return code !== 3 && !EXECUTION_REVERTED.test(message) && CANNOT_PAY.test(message);
}

/** What a node's error for a read means. */
export function errorClass(error: NodeError): ErrorClass {
  const { code, message } = error;
  if (code === 3 || EXECUTION_REVERTED.test(message)) return "reverted";
  if (isRateLimit(error)) return "rate_limited";
  if (isAboutPrice(error)) return "invalid";
  if (code === -32601 || code === -32604 || UNSUPPORTED.test(message)) return "unsupported";
  if (REVERTED.test(message) && !GAVE_UP.test(message)) return "reverted";
  // The newest block was pruned, or is not there yet, by the time the node looked: not the request's fault.
  if (/block ?out ?of ?range/i.test(message)) return "retryable";
  return code === -32602 || NOTHING_FINAL.test(message) ? "invalid" : "retryable";
}

/** A node's message without what may be an address or a key, and not too long, for errors and logs. */
export function publicMessage({ code, message }: NodeError): string {
  const text = message.replaceAll(/\w+:\/\/\S+|[\w.-]{20,}|\p{Cc}+/gu, "…");
  return `code ${code}: ${text.slice(0, 120)}`;
}
