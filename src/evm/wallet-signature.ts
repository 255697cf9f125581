/**
 * Signatures of payers of every kind: keys (ECDSA), wallets with code (ERC-1271, EIP-7702), and wallets that their
 * factory has yet to make (ERC-6492). What the token makes of a signature is for the simulation to say.
 */
import type { Call, ChainReader, Hex, SettlementCall } from "../core/scheme.ts";
import { bytesToHex } from "../core/hex.ts";
import { parseAddress } from "./address.ts";
import { deployAndCall } from "./deploy-and-call.ts";
import { parseErc6492 } from "./erc6492.ts";
import { isErc6492, parseEcdsa, recoverAddress, type EcdsaSignature } from "./signature.ts";
import { askWallet } from "./wallet-probe.ts";

/** A contract that may be called to make a payer's wallet. What it is given is the payer's choice. */
export interface Erc6492Factory {
  readonly address: string;
  /** The functions that may be called, four bytes each; default: all. */
  readonly selectors?: readonly string[];
}

export interface WalletSignatureOptions {
  /** Factories of wallets that are not on the chain yet (ERC-6492); default: none. */
  readonly erc6492Factories?: readonly Erc6492Factory[];
  /** Gas that a wallet may use for its answer about a signature; default 150,000. */
  readonly walletGas?: bigint;
  /** Gas that the making of a wallet may use; default 700,000. */
  readonly factoryGas?: bigint;
  /** Recovers the signer of a digest; default: `recoverAddress`, in plain JavaScript. */
  readonly recover?: typeof recoverAddress;
}

/** What is signed: the part of a payment that matters here. The object itself is what answers are kept for. */
export interface Signed {
  readonly payer: Hex;
  readonly signature: Hex;
}

/** How a payment is signed, and what its token is to be given. */
export type SignatureForm =
  /** By the key of the payer's own address. */
  | { readonly by: "key"; readonly ecdsa: EcdsaSignature }
  /** By a wallet with code. */
  | { readonly by: "wallet"; readonly signature: Hex }
  /** By a wallet that this call makes, if it is not there yet. */
  | { readonly by: "new wallet"; readonly signature: Hex; readonly deployment: Call };

export interface WalletSignatures {
  /** Recovers the signer of a digest. */
  readonly recover: typeof recoverAddress;
  /**
   * What is wrong with a signature, if anything. Costs no call to the chain for signatures by keys and for malformed
   * wrappers, one for all others.
   *
   * @throws X402Error `rpc_unavailable`
   */
  verify(
    payment: Signed,
    digest: Uint8Array,
    chain: ChainReader,
  ): Promise<"invalid" | "factory not allowed" | undefined>;
  /** The form of a signature that was verified, here or before a restart. */
  form(payment: Signed, digest: () => Uint8Array): SignatureForm;
  /** The call as it is to be sent for a signature of this form, and what it may cost. */
  settlement(
    payment: Signed,
    form: SignatureForm,
    call: Call,
    limits: Pick<SettlementCall, "gasLimit" | "batchGas">,
  ): SettlementCall;
}

/** What Multicall3 needs beside its calls. */
const MULTICALL_GAS = 40_000n;

/** @throws TypeError for factories that are none, and for limits that are not positive. */
export function walletSignatures(options: WalletSignatureOptions = {}): WalletSignatures {
  const { recover = recoverAddress, walletGas = 150_000n, factoryGas = 700_000n } = options;
  const isAllowed = allowList(options.erc6492Factories ?? []);
  for (const gas of [walletGas, factoryGas]) {
    if (gas <= 0n || gas > 30_000_000n)
      throw new TypeError("walletGas and factoryGas must be positive, and at most 30,000,000");
  }
  const forms = new WeakMap<Signed, SignatureForm>();

  function byKey({ payer, signature }: Signed, digest: Uint8Array): SignatureForm | undefined {
    const ecdsa = parseEcdsa(signature);
    if (ecdsa === undefined || recover(digest, ecdsa) !== payer) return undefined;
    return { by: "key", ecdsa };
  }

  /** The form of a signature that is not the key's: for a wallet without code, if its factory is allowed. */
  function byWallet({ signature }: Signed): SignatureForm {
    const wrapped = parseErc6492(signature);
    if (wrapped === undefined) return { by: "wallet", signature };
    return isAllowed(wrapped.deployment)
      ? { by: "new wallet", ...wrapped }
      : { by: "wallet", signature: wrapped.signature };
  }

  return {
    recover,
    async verify(payment, digest, chain) {
      const { payer: wallet, signature } = payment;
      const isWrapped = isErc6492(signature);
      if (isWrapped && parseErc6492(signature) === undefined) return "factory not allowed";
      const key = byKey(payment, digest);
      if (key !== undefined) {
        forms.set(payment, key);
        return undefined;
      }
      const form = byWallet(payment) as Exclude<SignatureForm, { by: "key" }>;
      const deployment =
        form.by === "new wallet" ? { ...form.deployment, gas: factoryGas } : undefined;
      const { deployed, valid } = await askWallet(chain, {
        wallet,
        digest: bytesToHex(digest),
        signature: form.signature,
        gas: walletGas,
        deployment,
      });
      if (isWrapped && !deployed && deployment === undefined) return "factory not allowed";
      forms.set(payment, deployed ? { by: "wallet", signature: form.signature } : form);
      return valid ? undefined : "invalid";
    },

    form(payment, digest) {
      const known = forms.get(payment);
      if (known !== undefined) return known;
      const form = byKey(payment, digest()) ?? byWallet(payment);
      forms.set(payment, form);
      return form;
    },

    settlement({ payer }, form, call, { gasLimit, batchGas }) {
      if (form.by === "key")
        return { ...call, gasLimit, ...(batchGas !== undefined && { batchGas }) };
      const wallet = payer;
      if (form.by === "wallet")
        return { ...call, gasLimit: gasLimit + walletGas, liable: { wallet } };
      return {
        ...deployAndCall(form.deployment, call),
        contracts: [call.to],
        gasLimit: gasLimit + walletGas + factoryGas + MULTICALL_GAS,
        liable: { wallet, shared: form.deployment.to },
      };
    },
  };
}

function allowList(factories: readonly Erc6492Factory[]): (deployment: Call) => boolean {
  const allowed = new Map<Hex, ReadonlySet<string> | undefined>();
  for (const { address, selectors } of factories) {
    const canonical = parseAddress(address);
    if (canonical === undefined)
      throw new TypeError(`erc6492Factories: "${address}" is not an address`);
    const wrong = selectors?.find((selector) => !/^0x[0-9a-fA-F]{8}$/.test(selector));
    if (wrong !== undefined)
      throw new TypeError(`erc6492Factories: "${wrong}" is not a selector of four bytes`);
    allowed.set(canonical, selectors && new Set(selectors.map((text) => text.toLowerCase())));
  }
  return ({ to, data }) =>
    allowed.has(to) && (allowed.get(to)?.has(data.slice(0, 10).toLowerCase()) ?? true);
}
