/**
 * What a payment scheme is: plain objects that describe it to the client, the server and the facilitator. A scheme
 * decides nothing about order, storage or the network; those are written once, in the engine.
 */
import type { Call, ChainReader, Log } from "./chain-reader.ts";
import type { Network } from "./network.ts";
import type { PaymentPayload, PaymentRequirements } from "./messages.ts";
import type { PayerTransaction } from "./payer-transaction.ts";
import type { Reason } from "./reasons.ts";

export type { Call, ChainReader, Log, ReadCall } from "./chain-reader.ts";

export type Hex = `0x${string}`;

/** A token as this software knows it; never what a peer says about it. */
export interface KnownAsset {
  readonly symbol: string;
  readonly decimals: number;
  /** Whether one whole token is worth one US dollar, so that "$0.01" can be priced in it. */
  readonly usd: boolean;
}

/** A price: dollars as text (`"$0.01"` or `"0.01"`), or atomic units of a certain token. */
export type Price =
  | string
  | {
      readonly amount: string;
      readonly asset: string;
      readonly extra?: Readonly<Record<string, unknown>>;
    };

/** Extensions in which a payment says something of its own, by name, with what the server declared in them. */
export type Extensions = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** The buyer's side of a scheme. */
export interface ClientScheme {
  readonly scheme: string;
  /** CAIP-2 namespace, for example `eip155`. */
  readonly family: string;
  /** Whose money it is, where that is known: one account does not finish what another has begun. */
  readonly payer?: string;
  /** The token of these requirements, if it is in our own tables; others are not paid with unless told. */
  asset(requirements: PaymentRequirements): KnownAsset | undefined;
  /** Whether a payment can be made for these requirements. */
  supports(requirements: PaymentRequirements): boolean;
  /** Signs a payment; what it signs comes from these requirements and nothing else. */
  createPayload(
    requirements: PaymentRequirements,
    options: {
      readonly nowSeconds: number;
      /** For how long the payment may be valid from now on. */
      readonly lifetimeSeconds: number;
      readonly x402Version: 1 | 2;
      /** An earlier payload, for which `excludes` is true: at most one of the two can ever be settled. */
      readonly instead?: Readonly<Record<string, unknown>>;
      /** What `extend` gave. */
      readonly extensions?: Extensions | undefined;
    },
  ): Promise<Record<string, unknown>>;
  /** The extensions that a payment adds to, signed where that is needed. Absent: none. */
  extend?(
    declared: Readonly<Record<string, unknown>>,
    requirements: PaymentRequirements,
    options: { nowSeconds: number; lifetimeSeconds: number },
  ): Promise<Extensions | undefined>;
  /** Whether a payload can be made for these requirements that excludes an earlier payment. Absent: never. */
  excludes?(
    earlier: {
      readonly payload: Readonly<Record<string, unknown>>;
      readonly network: string;
      readonly asset: string;
    },
    requirements: PaymentRequirements,
  ): boolean;
  /**
   * What became of a payload, by the chain: `taken`, itself or one that excludes it; `void` when it was not taken and
   * never can be, which says nothing of one that excludes it and lives longer; else `open`. Absent, or `open`: not known.
   *
   * @throws X402Error `rpc_unavailable`.
   */
  fate?(
    payload: Readonly<Record<string, unknown>>,
    requirements: { readonly network: string; readonly asset: string },
  ): Promise<"taken" | "void" | "open">;
}

/** The seller's side of a scheme. Everything in it is pure, so that a 402 needs no network. */
export interface ServerScheme {
  readonly scheme: string;
  readonly family: string;
  /**
   * @param payTo who is to be paid, where that is known already.
   * @throws TypeError when the price cannot be charged on this network: nothing is rounded or guessed.
   */
  price(
    price: Price,
    network: Network,
    payTo?: string,
  ): { asset: string; amount: string; extra: Record<string, unknown> };
  /** Extensions that a 402 with this offer declares. Absent: none. */
  extensions?(offer: PaymentRequirements): Readonly<Record<string, unknown>>;
  /** Canonical form of an address to be paid. @throws TypeError */
  payTo(address: string): string;
  /**
   * For schemes that charge by use: the atomic amount to settle, at most what was signed for. Absent: the price is
   * charged as it is, and may be settled before the handler.
   *
   * @throws TypeError when it is more, or cannot be charged.
   */
  charge?(amount: bigint | Price, requirements: PaymentRequirements): string;
  /** Identity of the money movement, as the facilitator computes it; nothing when the payload is malformed. */
  paymentKey(
    payload: PaymentPayload["payload"],
    requirements: PaymentRequirements,
  ): string | undefined;
}

/** A decoded payment: canonical values only. Schemes extend it. */
export interface SchemePayment {
  readonly network: Network;
  readonly asset: Hex;
  readonly payer: Hex;
  readonly payTo: Hex;
  /** Atomic units. */
  readonly amount: bigint;
  /** Unix seconds after which it can no longer be settled. */
  readonly expiresAtSeconds: number;
}

/**
 * What a check found. A payment that is only too old comes along as `expired`: it may have been settled in time, and
 * whoever paid still gets the answer.
 */
export type Checked<P> =
  | { readonly payment: P }
  | { readonly reason: Reason; readonly payer?: Hex | undefined; readonly expired?: P };

/** A read whose answer is yes or no. */
export interface StateCall extends Call {
  /** The answer is a word, and yes when one of these bits is set in it. Absent: it is a bool. */
  readonly mask?: bigint;
}

export interface SettlementCall extends Call {
  /** Gas that a transaction of its own may use at the very most. */
  readonly gasLimit: bigint;
  /**
   * Gas to set aside for it in a transaction with others, through Multicall3. Absent: it goes alone. A payer with code
   * goes alone in any case: the token would ask it about the signature, and it could burn the gas of all.
   */
  readonly batchGas?: bigint;
  /** Calls of one kind only share a transaction; so that a payment's logs are told from those of the others. */
  readonly batchKind?: string;
  /** Of the calls with the same name one only is in a transaction, for the same reason. */
  readonly batchOnce?: string;
  /** The only signer that can send it, lower case. Absent: anybody can. */
  readonly sender?: Hex;
  /** Contracts that it calls on its way: without code there it would succeed, and do nothing. */
  readonly contracts?: readonly Hex[];
  /** Whoever's code it runs, and who answers for gas that is burnt in vain: absent where only the token's code runs. */
  readonly liable?: Liable;
}

/** Contracts that a payment makes the facilitator run. */
export interface Liable {
  /** The payer's own. */
  readonly wallet: Hex;
  /** One that other payers use too: the wallet's factory, a delegation manager. */
  readonly shared?: Hex;
}

/** What a check may know beside the payment. */
export interface CheckContext {
  /** The addresses that settle on this network, lower case. */
  readonly signers: readonly Hex[];
  /** Whether it is to be settled: then a scheme that charges by use takes less than was signed for. */
  readonly settling: boolean;
  /** Whether gas is paid that is the payer's to pay: else what a payment brings along for that is not looked at. */
  readonly sponsoring?: boolean;
}

/** How the use of a payment shows on the chain, whoever sent it. */
export interface Usage {
  /** Contract and topics of the logs to look for. */
  readonly address: Hex;
  readonly topics: readonly (Hex | null)[];
  /** What else such a log holds, if that says more. */
  readonly data?: Hex;
  /**
   * For payments that no log names: such logs may be of another payment of the same parties, and the use of this one may
   * leave none at all. Whether a transaction that begins with this call, and was successful, used this very payment if
   * it has its logs. Absent: the logs name the payment, and its use or cancelling always leaves one.
   */
  readonly by?: (call: Call) => boolean;
}

/** The facilitator's side of a scheme. */
export interface FacilitatorScheme<P extends SchemePayment = SchemePayment> {
  readonly scheme: string;
  readonly family: string;
  /** Contracts without which it settles nothing on a network, and is not offered there. Absent: none. */
  readonly contracts?: readonly Hex[];
  /** Extensions of gas sponsoring that it understands. Absent: none. */
  readonly extensions?: readonly string[];
  /** Why a payment is refused whose transaction was mined and reverted. */
  readonly reverted: Reason;
  /** `extra` of the scheme's kind in `/supported`, if any. */
  extra?(network: Network, signers: readonly Hex[]): Record<string, unknown>;
  /**
   * Decodes a payment and checks all that can be known without signature, ledger and chain. Pure.
   *
   * @param context absent: it is not to be settled, and nobody can.
   */
  check(
    payload: PaymentPayload,
    requirements: PaymentRequirements,
    nowSeconds: number,
    context?: CheckContext,
  ): Checked<P>;
  /** Canonical identity of the money movement, the ledger's key. */
  paymentKey(payment: P): string;
  /** Whether the payer signed exactly this payment. The chain is read for what only a wallet can tell. */
  verifySignature(payment: P, chain: ChainReader): Promise<Reason | undefined>;
  /**
   * For payments that are not signed in a form that can be read: what the chain's state says against them being settled
   * by this sender. It may say so of what was settled already. Absent: nothing does.
   */
  authorize?(payment: P, chain: ChainReader, from: Hex): Promise<Reason | undefined>;
  /** Whether the payment moves nothing: then it is settled when it is claimed, without a transaction. Absent: never. */
  isFree?(payment: P): boolean;
  /** The call that must succeed for the payment to be settled, by whom if not by just anybody. */
  simulation(payment: P): Call & { readonly from?: Hex };
  /** Why a simulation that failed did so. */
  diagnose(payment: P, chain: ChainReader): Promise<Reason>;
  settlementCall(payment: P): SettlementCall;
  /** How much of its gas is a present to the payer, and counts against the budgets of sponsoring. Absent: none. */
  sponsoredGas?(payment: P): bigint;
  /** What has to be mined before it can be settled, if it is not yet. Absent: nothing. */
  payerTransaction?(payment: P): PayerTransaction | undefined;
  /**
   * Whether these logs of a successful receipt hold the exact transfer, once. The receipt may be of a transaction that
   * settles many payments: each is answered from its own logs.
   */
  outcome(payment: P, logs: readonly Log[]): Reason | "settled";
  usage(payment: P): Usage;
  /** The call that tells whether this payment was used or cancelled. */
  used(payment: P): StateCall;
  /** The call that reads the payer's balance of the asset (a uint256), and the reason when that is too low. */
  balance(payment: P): Call & { readonly shortage: Reason };
}
