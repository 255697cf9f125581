/**
 * ERC-1271: how a contract says whether a signature is its own.
 *
 * Source: https://eips.ethereum.org/EIPS/eip-1271
 */

/** What `isValidSignature` answers for a valid signature: its own selector. */
export const ERC1271_MAGIC_VALUE = "0x1626ba7e";

/** `isValidSignature(bytes32 hash, bytes signature) view returns (bytes4)`. */
export const erc1271Abi = [
  {
    type: "function",
    name: "isValidSignature",
    stateMutability: "view",
    inputs: [
      { name: "hash", type: "bytes32" },
      { name: "signature", type: "bytes" },
    ],
    outputs: [{ name: "magicValue", type: "bytes4" }],
  },
] as const;
