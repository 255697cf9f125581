/**
 * x402 v1: shapes and their conversion to v2. The only file that knows that v1 exists in detail; everything behind
 * it works on v2 messages. Source: specification v1 and the behaviour of `x402` 1.x.
 */
import { evmChainId, type Network } from "./network.ts";
import {
  AtomicAmount,
  Seconds,
  type FacilitatorRequest,
  type PaymentPayload,
  type PaymentRequirements,
  type ResourceInfo,
} from "./messages.ts";
import { array, literal, object, optional, record, string, type Infer } from "./schema.ts";

/** v1 network names and their chain ids. */
const CHAIN_IDS: ReadonlyMap<string, number> = new Map(
  Object.entries({
    ethereum: 1,
    sepolia: 11155111,
    base: 8453,
    "base-sepolia": 84532,
    avalanche: 43114,
    "avalanche-fuji": 43113,
    polygon: 137,
    "polygon-amoy": 80002,
    abstract: 2741,
    "abstract-testnet": 11124,
    iotex: 4689,
    sei: 1329,
    "sei-testnet": 1328,
    peaq: 3338,
    story: 1514,
    educhain: 41923,
    "skale-base-sepolia": 324705682,
    megaeth: 4326,
    monad: 143,
    stable: 988,
    "stable-testnet": 2201,
    celo: 42220,
    flare: 14,
  }),
);

const NAMES = new Map(Array.from(CHAIN_IDS, ([name, id]) => [id, name]));

/** CAIP-2 network of a v1 name; nothing when v1 does not know it. */
export function networkFromV1(name: string): Network | undefined {
  const id = CHAIN_IDS.get(name);
  return id === undefined ? undefined : `eip155:${id}`;
}

/** v1 name of a CAIP-2 network; nothing when v1 has none. */
export function networkToV1(network: string): string | undefined {
  const id = evmChainId(network);
  return id === undefined ? undefined : NAMES.get(id);
}

const text = string(2048);

export const PaymentRequirementsV1 = object({
  scheme: text,
  network: text,
  maxAmountRequired: AtomicAmount,
  resource: text,
  description: optional(text),
  mimeType: optional(text),
  payTo: text,
  maxTimeoutSeconds: Seconds,
  asset: text,
  extra: optional(record),
});
export type PaymentRequirementsV1 = Infer<typeof PaymentRequirementsV1>;

export const PaymentRequiredV1 = object({
  x402Version: literal(1),
  error: optional(text),
  accepts: array(PaymentRequirementsV1, 64),
});
export type PaymentRequiredV1 = Infer<typeof PaymentRequiredV1>;

// Buyers read neither of these two: what is marked so is left out of their bundles.
export const PaymentPayloadV1 = /* @__PURE__ */ object({
  x402Version: /* @__PURE__ */ literal(1),
  scheme: text,
  network: text,
  payload: record,
});
export type PaymentPayloadV1 = Infer<typeof PaymentPayloadV1>;

export const FacilitatorRequestV1 = /* @__PURE__ */ object({
  x402Version: /* @__PURE__ */ literal(1),
  paymentPayload: PaymentPayloadV1,
  paymentRequirements: PaymentRequirementsV1,
});
export type FacilitatorRequestV1 = Infer<typeof FacilitatorRequestV1>;

/** v2 requirements of a v1 offer; nothing when the network has no CAIP-2 name here. */
export function requirementsFromV1(offer: PaymentRequirementsV1): PaymentRequirements | undefined {
  const network = networkFromV1(offer.network);
  return network === undefined ? undefined : v2Requirements(offer, network);
}

function v2Requirements(offer: PaymentRequirementsV1, network: Network): PaymentRequirements {
  return {
    scheme: offer.scheme,
    network,
    amount: offer.maxAmountRequired,
    asset: offer.asset,
    payTo: offer.payTo,
    maxTimeoutSeconds: offer.maxTimeoutSeconds,
    ...(offer.extra ? { extra: offer.extra } : {}),
  };
}

/**
 * The v1 offers of v2 requirements. v1 payments name only scheme and network, so the first offer of each pair is
 * advertised and no other, and `findOfferV1` is never ambiguous.
 */
export function offersToV1(
  offers: readonly PaymentRequirements[],
  resource: ResourceInfo,
): PaymentRequirementsV1[] {
  const accepts: PaymentRequirementsV1[] = [];
  for (const offer of offers) {
    const network = networkToV1(offer.network);
    if (network === undefined) continue;
    if (accepts.some((other) => other.scheme === offer.scheme && other.network === network))
      continue;
    accepts.push({
      scheme: offer.scheme,
      network,
      maxAmountRequired: offer.amount,
      resource: resource.url,
      description: resource.description ?? "",
      mimeType: resource.mimeType ?? "",
      payTo: offer.payTo,
      maxTimeoutSeconds: offer.maxTimeoutSeconds,
      asset: offer.asset,
      ...(offer.extra ? { extra: offer.extra } : {}),
    });
  }
  return accepts;
}

/** The offer that a v1 payment is for: the first of its scheme and network. */
export function findOfferV1<T extends PaymentRequirements>(
  payment: PaymentPayloadV1,
  offers: readonly T[],
): T | undefined {
  const network = networkFromV1(payment.network);
  return offers.find((offer) => offer.scheme === payment.scheme && offer.network === network);
}

/** The v2 payment of a v1 payment for certain requirements. */
export function paymentFromV1(
  payment: PaymentPayloadV1,
  accepted: PaymentRequirements,
): PaymentPayload {
  return { x402Version: 2, accepted, payload: payment.payload };
}

/** The v1 payment with this payload for certain requirements; nothing when v1 has no name for the network. */
export function paymentToV1(
  payload: PaymentPayload["payload"],
  accepted: PaymentRequirements,
): PaymentPayloadV1 | undefined {
  const network = networkToV1(accepted.network);
  return network === undefined
    ? undefined
    : { x402Version: 1, scheme: accepted.scheme, network, payload };
}

/** What stands for a v1 network that has no CAIP-2 name here; no chain answers to it. */
const UNKNOWN_NETWORK: Network = "x402v1:unknown";

/** The v2 request of a v1 request. A mismatch between payment and requirements stays visible in `accepted`. */
export function facilitatorRequestFromV1({
  paymentPayload,
  paymentRequirements,
}: FacilitatorRequestV1): FacilitatorRequest {
  const requirements = v2Requirements(
    paymentRequirements,
    networkFromV1(paymentRequirements.network) ?? UNKNOWN_NETWORK,
  );
  const network = networkFromV1(paymentPayload.network) ?? UNKNOWN_NETWORK;
  const accepted = { ...requirements, scheme: paymentPayload.scheme, network };
  return {
    x402Version: 2,
    paymentPayload: paymentFromV1(paymentPayload, accepted),
    paymentRequirements: requirements,
  };
}
