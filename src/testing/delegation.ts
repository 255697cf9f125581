import { encodeAbiParameters, type Address, type Hex } from "viem";
import { localDelegationManagerAbi } from "../../contracts-abi/local/local-delegation-manager.ts";
import type { TestAccount } from "./accounts.ts";
import { LOCAL_CONTRACTS } from "./local-contracts.ts";

/** What a smart account allows: transfers of `token` up to `maxAmount` in all, until `expiry`. */
export type Delegation = {
  /** Who may redeem it; the zero address: anybody. */
  readonly delegate: Address;
  /** The smart account whose money it is. */
  readonly delegator: Address;
  readonly token: Address;
  readonly maxAmount: bigint;
  /** Unix seconds. */
  readonly expiry: bigint;
  /** Default 0; tells apart delegations that are the same otherwise. */
  readonly salt?: bigint;
};

const TYPES = {
  Delegation: [
    { name: "delegate", type: "address" },
    { name: "delegator", type: "address" },
    { name: "token", type: "address" },
    { name: "maxAmount", type: "uint256" },
    { name: "expiry", type: "uint256" },
    { name: "salt", type: "uint256" },
  ],
} as const;

const [delegationTuple] = localDelegationManagerAbi.find(
  (item) => item.type === "function" && item.name === "disableDelegation",
)!.inputs;

/**
 * Signs a delegation with the key of the delegator's owner, and returns the permission context that
 * the world's delegation manager (ERC-7710) takes.
 */
export async function signDelegation(
  owner: TestAccount,
  delegation: Delegation,
  chainId = 84532,
): Promise<Hex> {
  const message = { salt: 0n, ...delegation };
  const signature = await owner.account.signTypedData({
    domain: {
      name: "LocalDelegationManager",
      version: "1",
      chainId,
      verifyingContract: LOCAL_CONTRACTS.delegationManager,
    },
    types: TYPES,
    primaryType: "Delegation",
    message,
  });
  return encodeAbiParameters([delegationTuple] as never, [{ ...message, signature }] as never);
}
