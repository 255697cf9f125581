/**
 * The proxy through which x402 settles `upto` payments with Permit2. Only `witness.facilitator` may
 * send it; `amount` is at most the permitted one.
 *
 * Source: github.com/x402-foundation/x402, contracts/evm/src, and the ABI shipped in the npm
 * package @x402/evm 2.27.0.
 */

/** The canonical address of the upto proxy, the same on every chain. */
export const X402_UPTO_PERMIT2_PROXY_ADDRESS = "0x4020A4f3b7b90ccA423B9fabCc0CE57C6C240002";

const permit2612 = {
  name: "permit2612",
  type: "tuple",
  components: [
    { name: "value", type: "uint256" },
    { name: "deadline", type: "uint256" },
    { name: "r", type: "bytes32" },
    { name: "s", type: "bytes32" },
    { name: "v", type: "uint8" },
  ],
} as const;

const settlement = [
  {
    name: "permit",
    type: "tuple",
    components: [
      {
        name: "permitted",
        type: "tuple",
        components: [
          { name: "token", type: "address" },
          { name: "amount", type: "uint256" },
        ],
      },
      { name: "nonce", type: "uint256" },
      { name: "deadline", type: "uint256" },
    ],
  },
  { name: "amount", type: "uint256" },
  { name: "owner", type: "address" },
  {
    name: "witness",
    type: "tuple",
    components: [
      { name: "to", type: "address" },
      { name: "facilitator", type: "address" },
      { name: "validAfter", type: "uint256" },
    ],
  },
  { name: "signature", type: "bytes" },
] as const;

const permitFailure = [
  { name: "token", type: "address", indexed: true },
  { name: "owner", type: "address", indexed: true },
] as const;

/**
 * `settle`, `settleWithPermit`, the identifying constants, and what can revert them. An EIP-2612
 * permit that fails reverts nothing: it is an event, and the allowance decides.
 */
export const x402UptoPermit2ProxyAbi = [
  {
    type: "function",
    name: "settle",
    stateMutability: "nonpayable",
    inputs: settlement,
    outputs: [],
  },
  {
    type: "function",
    name: "settleWithPermit",
    stateMutability: "nonpayable",
    inputs: [permit2612, ...settlement],
    outputs: [],
  },
  {
    type: "function",
    name: "PERMIT2",
    stateMutability: "view",
    inputs: [],
    outputs: [{ name: "", type: "address" }],
  },
  {
    type: "function",
    name: "WITNESS_TYPEHASH",
    stateMutability: "view",
    inputs: [],
    outputs: [{ name: "", type: "bytes32" }],
  },
  {
    type: "function",
    name: "WITNESS_TYPE_STRING",
    stateMutability: "view",
    inputs: [],
    outputs: [{ name: "", type: "string" }],
  },
  { type: "event", name: "Settled", inputs: [] },
  { type: "event", name: "SettledWithPermit", inputs: [] },
  {
    type: "event",
    name: "EIP2612PermitFailedWithReason",
    inputs: [...permitFailure, { name: "reason", type: "string", indexed: false }],
  },
  {
    type: "event",
    name: "EIP2612PermitFailedWithPanic",
    inputs: [...permitFailure, { name: "errorCode", type: "uint256", indexed: false }],
  },
  {
    type: "event",
    name: "EIP2612PermitFailedWithData",
    inputs: [...permitFailure, { name: "data", type: "bytes", indexed: false }],
  },
  { type: "error", name: "AmountExceedsPermitted", inputs: [] },
  { type: "error", name: "InvalidAmount", inputs: [] },
  { type: "error", name: "InvalidDestination", inputs: [] },
  { type: "error", name: "InvalidOwner", inputs: [] },
  { type: "error", name: "InvalidPermit2Address", inputs: [] },
  { type: "error", name: "PaymentTooEarly", inputs: [] },
  { type: "error", name: "Permit2612AmountMismatch", inputs: [] },
  { type: "error", name: "ReentrancyGuardReentrantCall", inputs: [] },
  { type: "error", name: "UnauthorizedFacilitator", inputs: [] },
] as const;
