/**
 * Permit2, the part that x402 uses: signature transfers with a witness, and unordered nonces.
 * A nonce is used when bit `nonce & 0xff` of `nonceBitmap(owner, nonce >> 8)` is set.
 *
 * Source: github.com/Uniswap/permit2, src/interfaces/ISignatureTransfer.sol, src/PermitErrors.sol
 * and src/libraries/SignatureVerification.sol.
 */

/** The canonical address of Permit2, the same on every chain. */
export const PERMIT2_ADDRESS = "0x000000000022D473030F116dDEE9F6B43aC78BA3";

/** `permitWitnessTransferFrom`, nonces, the domain separator, and what can revert it. */
export const permit2Abi = [
  {
    type: "function",
    name: "permitWitnessTransferFrom",
    stateMutability: "nonpayable",
    inputs: [
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
      {
        name: "transferDetails",
        type: "tuple",
        components: [
          { name: "to", type: "address" },
          { name: "requestedAmount", type: "uint256" },
        ],
      },
      { name: "owner", type: "address" },
      { name: "witness", type: "bytes32" },
      { name: "witnessTypeString", type: "string" },
      { name: "signature", type: "bytes" },
    ],
    outputs: [],
  },
  {
    type: "function",
    name: "nonceBitmap",
    stateMutability: "view",
    inputs: [
      { name: "owner", type: "address" },
      { name: "wordPos", type: "uint256" },
    ],
    outputs: [{ name: "", type: "uint256" }],
  },
  {
    type: "function",
    name: "invalidateUnorderedNonces",
    stateMutability: "nonpayable",
    inputs: [
      { name: "wordPos", type: "uint256" },
      { name: "mask", type: "uint256" },
    ],
    outputs: [],
  },
  {
    type: "function",
    name: "DOMAIN_SEPARATOR",
    stateMutability: "view",
    inputs: [],
    outputs: [{ name: "", type: "bytes32" }],
  },
  {
    type: "event",
    name: "UnorderedNonceInvalidation",
    inputs: [
      { name: "owner", type: "address", indexed: true },
      { name: "word", type: "uint256", indexed: false },
      { name: "mask", type: "uint256", indexed: false },
    ],
  },
  { type: "error", name: "InvalidNonce", inputs: [] },
  {
    type: "error",
    name: "SignatureExpired",
    inputs: [{ name: "signatureDeadline", type: "uint256" }],
  },
  { type: "error", name: "InvalidAmount", inputs: [{ name: "maxAmount", type: "uint256" }] },
  { type: "error", name: "LengthMismatch", inputs: [] },
  { type: "error", name: "InvalidSigner", inputs: [] },
  { type: "error", name: "InvalidSignature", inputs: [] },
  { type: "error", name: "InvalidSignatureLength", inputs: [] },
  { type: "error", name: "InvalidContractSignature", inputs: [] },
] as const;
