import type { Hex } from "../core/scheme.ts";
import { checksumAddress, parseAddress } from "./address.ts";

export interface TypedDataField {
  readonly name: string;
  readonly type: string;
}

/** What is signed (EIP-712), in the form of viem. */
export interface EvmTypedData {
  readonly domain: {
    readonly name: string;
    readonly version?: string;
    readonly chainId: number;
    readonly verifyingContract: Hex;
  };
  readonly types: Readonly<Record<string, readonly TypedDataField[]>>;
  readonly primaryType: string;
  readonly message: Readonly<Record<string, unknown>>;
}

/** A transaction that is signed and not sent, in the form of viem. */
export interface EvmTransaction {
  readonly type: "eip1559";
  readonly chainId: number;
  readonly nonce: number;
  readonly to: Hex;
  readonly data: Hex;
  readonly gas: bigint;
  readonly maxFeePerGas: bigint;
  readonly maxPriorityFeePerGas: bigint;
}

/** What signs: a viem account that holds its key, or a bare object of this shape. */
export interface EvmSigner {
  readonly address: Hex;
  signTypedData(typedData: EvmTypedData): Promise<Hex>;
  /** For approvals that somebody else sends; absent: none are signed. */
  signTransaction?(transaction: EvmTransaction): Promise<Hex>;
}

/** A viem wallet client with an account of its own: `createWalletClient({ account, … })`. */
export interface EvmWallet {
  readonly account?: { readonly address: Hex } | undefined;
  signTypedData(typedData: EvmTypedData): Promise<Hex>;
}

/**
 * The signer of an account or of a wallet client, with its address in the one form that is signed and compared.
 *
 * @throws TypeError for what cannot sign.
 */
export function toSigner(given: EvmSigner | EvmWallet): EvmSigner {
  const { address, account } = given as Partial<EvmSigner & EvmWallet>;
  const canonical = parseAddress(String(address ?? account?.address));
  // More than one parameter: another library's signer, ethers' for example.
  if (canonical === undefined || !(given.signTypedData?.length < 2)) {
    throw new TypeError(
      "account cannot sign: give a viem account with its key, a wallet client with an account, or { address, signTypedData }",
    );
  }
  // Wallet clients would ask the wallet, and most of those do not sign what they do not send.
  const signTransaction =
    address === undefined ? undefined : (given as EvmSigner).signTransaction?.bind(given);
  return {
    address: checksumAddress(canonical),
    signTypedData: (typedData) => given.signTypedData(typedData),
    ...(signTransaction && { signTransaction }),
  };
}
