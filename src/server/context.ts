import type { PaymentRequirements } from "../core/messages.ts";
import type { ClaimStore } from "../ledger/claims.ts";
import { memoryClaims } from "../ledger/memory-claims.ts";
import { corsPolicy, type Cors } from "./cors.ts";
import { emitter, type PaymentFacts, type PaywallEvent } from "./events.ts";
import { facilitatorPool, type Facilitators, type NamedFacilitator } from "./facilitators.ts";
import type { PaywallRequest } from "./gate.ts";
import type { PaywallOptions } from "./options.ts";
import { pathOf, publicUrls } from "./request-url.ts";

/** What all routes of a paywall share. */
export interface PaywallContext {
  readonly options: PaywallOptions;
  readonly claims: ClaimStore;
  readonly facilitators: Facilitators;
  readonly cors: Cors;
  readonly maxResponseBytes: number;
  readonly maxStoredBytes: number;
  /** URL of a request as clients see it. */
  publicUrl(request: PaywallRequest): string;
  /** Tells the observer. */
  emit(request: PaywallRequest, event: EventDetails): void;
}

type Without<T> = T extends unknown ? Omit<T, "method" | "path"> : never;
export type EventDetails = Without<PaywallEvent>;

const MAX_RESPONSE_BYTES = 16 * 1024 * 1024;
const MAX_STORED_BYTES = 1024 * 1024;

/** @throws TypeError for options that cannot work. */
export function createContext(
  options: PaywallOptions,
  facilitators: readonly NamedFacilitator[],
): PaywallContext {
  const { now = Date.now, maxResponseBytes = MAX_RESPONSE_BYTES } = options;
  const { maxStoredBytes = Math.min(MAX_STORED_BYTES, maxResponseBytes) } = options;
  for (const [name, bytes] of Object.entries({ maxResponseBytes, maxStoredBytes })) {
    if (!Number.isSafeInteger(bytes) || bytes < 0)
      throw new TypeError(`${name} ${bytes} is not a number of bytes`);
  }
  const tell = options.onEvent && emitter(options.onEvent);
  const emit: PaywallContext["emit"] = (request, event) =>
    tell?.({ ...event, method: request.method, path: pathOf(request.url) });
  const nowhere = { method: "", url: "", headers: { get: () => null } };
  return {
    options,
    claims: options.claims ?? memoryClaims({ now }),
    facilitators: facilitatorPool(facilitators, now, (name, error) =>
      emit(nowhere, { type: "dependency_failed", name, error }),
    ),
    cors: corsPolicy(options.cors),
    maxResponseBytes,
    maxStoredBytes,
    publicUrl: publicUrls(options),
    emit,
  };
}

/** How long a claim is kept after the time that its offer gave. */
const RETENTION_MS = 60_000;

/** For how long servers remember a payment, and its response, unless it is in the air. */
export function claimTtlMs({ maxTimeoutSeconds }: PaymentRequirements): number {
  return maxTimeoutSeconds * 1000 + RETENTION_MS;
}

/** For how long a payment is remembered that may be charged and is not known to be: longer than facilitators let one live. */
export function unknownTtlMs(requirements: PaymentRequirements): number {
  return Math.max(claimTtlMs(requirements), 2 * 3_600_000);
}

export function factsOf(
  id: string,
  payer: string | undefined,
  { amount, asset, network }: PaymentRequirements,
): PaymentFacts {
  return { id, payer, amount, asset, network };
}
