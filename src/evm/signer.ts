import type { Hex } from "../core/scheme.ts";
import { checksumAddress, parseAddress } from "./address.ts";
import type { EvmSigner } from "./exact/client.ts";

/** A viem wallet client with an account of its own: `createWalletClient({ account, … })`. */
export interface EvmWallet {
  readonly account?: { readonly address: Hex } | undefined;
  signTypedData(typedData: Parameters<EvmSigner["signTypedData"]>[0]): Promise<Hex>;
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
  return {
    address: checksumAddress(canonical),
    signTypedData: (typedData) => given.signTypedData(typedData),
  };
}
