/**
 * EIP-2612 (permit): an allowance given by signature, with the `bytes` overload of USDC
 * (FiatTokenV2_2), which also takes ERC-1271 signatures.
 *
 * Source: https://eips.ethereum.org/EIPS/eip-2612 and github.com/circlefin/stablecoin-evm,
 * contracts/v2/FiatTokenV2_2.sol.
 */

/** `permit` (both overloads) and `nonces`. `deadline` is in Unix seconds. */
export const eip2612Abi = [
  {
    type: "function",
    name: "permit",
    stateMutability: "nonpayable",
    inputs: [
      { name: "owner", type: "address" },
      { name: "spender", type: "address" },
      { name: "value", type: "uint256" },
      { name: "deadline", type: "uint256" },
      { name: "v", type: "uint8" },
      { name: "r", type: "bytes32" },
      { name: "s", type: "bytes32" },
    ],
    outputs: [],
  },
  {
    type: "function",
    name: "permit",
    stateMutability: "nonpayable",
    inputs: [
      { name: "owner", type: "address" },
      { name: "spender", type: "address" },
      { name: "value", type: "uint256" },
      { name: "deadline", type: "uint256" },
      { name: "signature", type: "bytes" },
    ],
    outputs: [],
  },
  {
    type: "function",
    name: "nonces",
    stateMutability: "view",
    inputs: [{ name: "owner", type: "address" }],
    outputs: [{ name: "", type: "uint256" }],
  },
] as const;
