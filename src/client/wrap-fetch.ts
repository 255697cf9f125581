import { PaymentRefused, PaymentRejected } from "./errors.ts";
import { emitter, type ClientEvent } from "./events.ts";
import type { KnownOffers } from "./known-offers.ts";
import { pay } from "./pay.ts";
import { readDemand, type Demand } from "./payment-required.ts";
import { hostOf } from "./host-name.ts";
import type { Outcome } from "./present.ts";
import { replayable, type Replayable } from "./replay.ts";
import { abortable } from "./sleep.ts";
import { createWallet, type WalletOptions } from "./wallet.ts";

export interface WrapFetchOptions extends WalletOptions {
  /** Pays with the first request where the offer is known, in one round trip: `knownOffers({ hosts: ["…"] })`. */
  readonly payFirst?: KnownOffers;
  /** The longest streamed body that is kept to be sent again; default 1 MiB. */
  readonly maxBodyBytes?: number;
  /** Observer; what it throws is dropped. */
  readonly onEvent?: (event: ClientEvent) => unknown;
}

/**
 * A `fetch` that pays. A 402 is answered with one signed payment, within the policy, and the request is sent again with
 * it. While it is not known whether a payment was taken, the same one is presented again, and no other is signed: within
 * a call, and by a later call with the same request (method, URL and body, or `Idempotency-Key`).
 *
 * The payment goes to the origin that asked for it, and no redirect is followed with it. A body may be a function, which
 * is called for every time that the request is sent.
 *
 * @throws PaymentRefused when nothing may be paid; PaymentRejected when the server does not take the payment;
 * PaymentUncertain when it is not known; X402Error `malformed_payment_required` when the 402 cannot be read,
 * `body_not_replayable`, `ledger_unavailable` of the store; and whatever `fetch` throws before anything was signed.
 * @throws TypeError for options that cannot work.
 */
export function wrapFetchWithPayment(
  fetch: typeof globalThis.fetch,
  options: WrapFetchOptions,
): typeof globalThis.fetch {
  const { payFirst, maxBodyBytes, onEvent } = options;
  const emit = emitter(onEvent);
  const wallet = createWallet(options, emit);
  const payers = [...new Set(wallet.schemes.map(({ payer = "" }) => payer))].toSorted().join(",");

  return async (input, init) => {
    const request = await replayable(fetch, input, init, maxBodyBytes);
    const { method } = request;
    const first = await payFirst?.pay(request, (offer) => answer(request, request.url, offer));
    if (first !== undefined) return first;
    const response = await request.send();
    if (response.status !== 402) return response;
    const demand = await abortable(
      readDemand(response),
      AbortSignal.timeout(wallet.retry.timeoutMs),
    );
    if (demand === undefined) return response;
    const url = response.url || request.url;
    response.body?.cancel().catch(() => undefined);
    if (response.redirected) assertSameRequest(request, url);
    const outcome = await answer(request, url, demand).catch((error: unknown) => {
      if (error instanceof PaymentRefused) {
        const { rule, message } = error;
        emit({ type: "refused", url, rule, message });
      }
      throw error;
    });
    if ("rejected" in outcome) throw new PaymentRejected(outcome.rejected);
    if (outcome.paid) payFirst?.learn(method, url, demand);
    return outcome.response;
  };

  async function answer(request: Replayable, url: string, demand: Demand): Promise<Outcome> {
    const host = hostOf(url);
    const identity = await request.identity();
    const name = identity && { request: `${payers} ${wallet.agent ?? ""} ${identity}` };
    const { method, signal } = request;
    const work = () => pay(wallet, request, { url, method, host, ...name }, demand);
    return await (wallet.concurrency?.run(host, signal, work) ?? work());
  }
}

function assertSameRequest({ url: asked, method }: Replayable, url: string): void {
  const isAway = new URL(url).origin !== new URL(asked).origin;
  if (!isAway && ["GET", "HEAD"].includes(method)) return;
  const message = isAway ? "redirected to another origin" : "redirected, and no GET";
  throw new PaymentRefused([{ rule: "redirected", message }]);
}
