/** What the page's script is told, as JSON in the page. */
import type { PaymentRequired } from "../core/messages.ts";
import type { PageText } from "./text.ts";

/** Id of the element that holds the `PageData`. */
export const DATA_ID = "x402-data";

/** An offer that the script can pay: EIP-3009 with all that a signature needs. */
export interface PayableOffer {
  /** Place in `paymentRequired.accepts`. */
  readonly index: number;
  /** For people, for example `0.01 USDC`. */
  readonly price: string;
  readonly symbol: string;
  /** Of the token, where it is known. */
  readonly decimals?: number;
  readonly chainId: number;
  /** Name of the chain. */
  readonly network: string;
  /** Token contract and payee, with checksums. */
  readonly asset: string;
  readonly payTo: string;
  /** EIP-712 domain of the token. */
  readonly name: string;
  readonly version: string;
  /** For wallets that do not know the chain (EIP-3085). */
  readonly addChain?: AddChain;
}

/** Parameter of `wallet_addEthereumChain` (EIP-3085). */
export interface AddChain {
  readonly chainId: string;
  readonly chainName: string;
  readonly rpcUrls: readonly string[];
  readonly nativeCurrency: {
    readonly name: string;
    readonly symbol: string;
    readonly decimals: number;
  };
  readonly blockExplorerUrls?: readonly string[];
}

export interface PageData {
  readonly paymentRequired: PaymentRequired;
  readonly offers: readonly PayableOffer[];
  /** What the publisher says in other words. */
  readonly text: PageText;
}
