import { describe, expect, it } from "vitest";
import {
  broadcastOutcome,
  errorClass,
  publicMessage,
  type BroadcastOutcome,
  type ErrorClass,
} from "../../facilitator/rpc/errors.ts";

/** What nodes say to `eth_sendRawTransaction`, word for word. */
const SENDS: Record<BroadcastOutcome, readonly string[]> = {
  accepted: [
    "already known", // geth
    "known transaction: 0xb24d34d9ea5f0ffb8c4b4d1dbc3b6c0d3a9b8f5c9b5f2d5e5f2e5a5d2c5b5a5d", // old geth
    "Known transaction", // besu
    "AlreadyKnown", // nethermind
    "Tx: [0x12] already Imported", // anvil
    "Transaction with the same hash was already imported.", // openethereum
    "INTERNAL_ERROR: existing tx with same hash", // erigon
    "existing txn with same hash", // erigon 3
    "tx already exists in cache", // sei
    "known transaction. transaction with hash 0x12 is already in the system", // zksync
  ],
  nonce_too_low: [
    "nonce too low",
    "nonce too low: next nonce 5, tx nonce 4", // geth
    "nonce too low: address 0x12, tx: 0 state: 1", // arbitrum
    "Nonce too low", // besu
    "OldNonce, Current nonce: 5, nonce of rejected tx: 3", // nethermind
    "INTERNAL_ERROR: nonce too low", // erigon
    "Transaction nonce is too low. Try incrementing the nonce.", // openethereum
    "nonce 4 too low, expected 5", // revm
    "nonce too low. allowed nonce range: 5 - 50, actual: 3", // zksync
  ],
  underpriced: [
    "transaction underpriced",
    "replacement transaction underpriced",
    "transaction underpriced: gas tip cap 1, minimum needed 1000000", // geth
    "transaction gas price below minimum: gas tip cap 24, minimum needed 25000000000", // bor
    "[0x12]: insufficient gas price to replace existing transaction", // reth
    "Tx: [0x12] insufficient gas price to replace existing transaction", // anvil
    "INTERNAL_ERROR: could not replace existing tx", // erigon
    "fee too low", // erigon
    "ReplacementNotAllowed", // nethermind
    "FeeTooLow, MaxFeePerGas too low. MaxFeePerGas: 1, BaseFee: 2, MaxPriorityFeePerGas:1, Block number: 7",
    "FeeTooLowToCompete",
    "max fee per gas less than block base fee: address 0x12, maxFeePerGas: 1, baseFee: 2", // geth, nitro
    "Gas price below configured minimum gas price", // besu
    "Gas price below current base fee", // besu
    "gas price too low: 1 wei, use at least tx.gasPrice = 2 wei", // metis
    "gasprice is less than gas price minimum floor", // celo
    "Transaction gas price supplied is too low. There is another transaction with same nonce in the queue. Try increasing the gas price or incrementing the nonce.",
    "transaction feeCap 3 below chain minimum", // reth
    "gas price is less than basefee", // revm
  ],
  insufficient_funds: [
    "insufficient funds for gas * price + value",
    "insufficient funds for gas * price + value: balance 1, tx cost 2, overshot 1", // geth
    "insufficient funds for gas * price + value: have 1 want 2", // reth
    "Insufficient funds for gas * price + value", // anvil
    "InsufficientFunds, Account balance: 0, cumulative cost: 1", // nethermind
    "Upfront cost exceeds account balance", // besu
    "not enough funds for gas", // arbitrum
    "transaction overdraws from account", // reth
    "lack of funds (1) for max fee (2)", // revm
  ],
  refused: [
    "intrinsic gas too low: gas 20000, minimum needed 21000",
    "IntrinsicGas", // erigon
    "insufficient gas for floor data gas cost: gas 21000, minimum needed 22000", // geth
    "exceeds block gas limit",
    "Transaction gas limit exceeds block gas limit", // besu
    "GasLimitExceeded, Gas limit: 1, gas limit of rejected tx: 2", // nethermind
    "gas limit reached", // nethermind
    "gas limit is too high", // erigon
    "transaction gas limit too high (cap: 16777216, tx: 30000000)", // geth
    "invalid sender: invalid chain id for signer: have 1 want 2", // geth
    "Invalid signature", // besu
    "Wrong chainId", // besu
    "invalid chain ID", // reth
    "transaction type not supported: tx type 3 not supported by this pool", // geth
    "fork supporting this transaction type is not activated yet", // erigon
    "sender is not an EOA", // reth
    "SenderIsContract", // nethermind
    "only replay-protected (EIP-155) transactions allowed over RPC",
    "tx fee (1.50 ether) exceeds the configured cap (1.00 ether)", // geth
    "max priority fee per gas higher than max fee per gas",
    "Max priority fee per gas exceeds max fee per gas", // besu
    "Failed to decode transaction", // anvil
    "rlp: value size exceeds available input length", // geth
    "typed transaction too short", // geth
    "oversized data: transaction size 200000, limit 131072",
  ],
  unknown: [
    // Queued here, dropped there; right once the gap is filled.
    "nonce too high",
    "NonceGap, Future nonce. Expected nonce: 5", // nethermind
    "Transaction nonce is too distant from current sender nonce", // besu
    "invalid transaction nonce", // arbitrum, too low or too high
    "future transaction tries to replace pending", // geth
    "txpool is full",
    "pending sub-pool is full", // erigon
    "queue full", // arbitrum
    "sequencer pending tx pool full, please try again", // arbitrum
    "account limit exceeded: pooled 64 txs", // geth
    "address already reserved", // geth
    "node is syncing", // nethermind
    "Internal error",
    "Too many requests",
    "daily request count exceeded, request rate limited", // infura
    "Your app has exceeded its compute units per second capacity.", // alchemy
    "upstream connect error or disconnect/reset before headers",
    "context deadline exceeded",
    // What a contract says is not what the node says.
    "execution reverted: already known",
    "execution reverted: nonce too low",
    "",
  ],
};

describe("broadcast", () => {
  const cases = Object.entries(SENDS).flatMap(([outcome, messages]) =>
    messages.map((message) => [message, outcome] as const),
  );
  it.each(cases)("%j is %s", (message, outcome) => {
    expect(broadcastOutcome({ code: -32000, message })).toBe(outcome);
  });

  it("reads the reason in data", () => {
    expect(broadcastOutcome({ code: -32010, message: "Error", data: "OldNonce" })).toBe(
      "nonce_too_low",
    );
    expect(broadcastOutcome({ code: -32010, message: "Error", data: "0x" })).toBe("unknown");
  });
});

describe("reads", () => {
  const READS: readonly (readonly [number, string, ErrorClass])[] = [
    [3, "execution reverted: FiatTokenV2: invalid signature", "reverted"],
    [-32000, "execution reverted", "reverted"],
    [-32000, "Execution reverted", "reverted"], // besu
    [-32015, "VM execution error.", "reverted"], // nethermind
    [-32603, "VM Exception while processing transaction: revert", "reverted"], // hardhat
    [-32000, "out of gas", "reverted"],
    [-32000, "invalid opcode: INVALID", "reverted"],
    [-32003, "EVM error: InvalidFEOpcode", "reverted"], // reth
    [-32000, "EVM error InvalidJump", "reverted"], // anvil
    [-32000, "stack underflow (0 <=> 1)", "reverted"],
    // A contract's words, not the node's.
    [3, "execution reverted: rate limit exceeded", "reverted"],
    [-32000, "execution reverted: Too many requests", "reverted"],
    [-32000, "execution reverted: method not found", "reverted"],
    [-32000, "execution reverted: execution aborted (timeout = 5s)", "reverted"],
    [-32000, "execution aborted (timeout = 5s)", "retryable"], // geth
    [-32000, "header not found", "retryable"],
    [-32000, "missing trie node 0x12 (path ) state 0x12 is not available", "retryable"],
    [-39001, "Unknown block", "retryable"],
    [-32603, "Internal error", "retryable"],
    [-32003, "response too large", "retryable"], // geth
    [-32602, "Invalid params", "invalid"],
    [-32602, "invalid argument 0: hex string has length 3, want 40", "invalid"],
    [-39001, "finalized block not found", "invalid"],
    [-32000, "block not found: finalized", "invalid"],
    [-32601, "the method eth_getBlockReceipts does not exist/is not available", "unsupported"],
    [-32601, "Method not found", "unsupported"],
    [-32604, "Method not enabled", "unsupported"], // besu
    [-32000, "Unsupported method: eth_getBlockReceipts on eth-mainnet", "unsupported"],
    [-32000, "method eth_getBlockReceipts is not whitelisted", "unsupported"],
    [429, "Your app has exceeded its compute units per second capacity.", "rate_limited"], // alchemy
    [-32005, "daily request count exceeded, request rate limited", "rate_limited"], // infura
    [-32005, "project ID request rate exceeded", "rate_limited"], // infura
    [-32007, "25/second request limit reached - reduce calls per second", "rate_limited"], // quicknode
    [-32003, "credits limited to 500/sec", "rate_limited"], // quicknode
    [-32090, "Too many requests, reason: call rate limit exhausted", "rate_limited"], // ankr
    [-32005, "Transaction gas limit exceeds block gas limit", "retryable"], // besu's own -32005
  ];
  it.each(READS)("%i %j is %s", (code, message, kind) => {
    expect(errorClass({ code, message })).toBe(kind);
  });
});

it("a message that is shown has no address, no key and no control characters in it", () => {
  const message = `bad\u0000 key abcdefghij0123456789abcdef of https://rpc.example/v2/secret!\n${"x ".repeat(200)}`;
  const shown = publicMessage({ code: -32000, message });
  expect(shown).toContain("code -32000: bad… key … of …");
  expect(shown).not.toMatch(/secret|example|abcdefghij|\n/);
  expect(shown.length).toBeLessThan(150);
});
