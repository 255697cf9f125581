import {
  decodeHeader,
  PAYMENT_REQUIRED,
  PAYMENT_RESPONSE,
  PAYMENT_SIGNATURE,
  X_402_PAGE,
} from "../../core/header.ts";
import { canonicalJson } from "../../core/json.ts";
import { PaymentRequired, SettleResponse } from "../../core/messages.ts";

/** What became of a payment that was presented. */
export type Outcome =
  /** `content` is absent where the page is to be opened by a reload. */
  | { readonly kind: "paid"; readonly response: Response; readonly content?: Blob }
  /** It was not taken, and will not be. */
  | { readonly kind: "refused"; readonly reason: string; readonly changed: boolean }
  /** It was used, here or elsewhere. */
  | { readonly kind: "used"; readonly elsewhere: boolean }
  /** The server answered something else. The payment may be presented again. */
  | { readonly kind: "failed"; readonly status: number }
  /** Nobody can say yet. The payment may be presented again. */
  | { readonly kind: "unknown" };

/** How long a payment is presented before the buyer is asked whether to go on. */
const PATIENCE_MS = 120_000;
const ANSWER_TIMEOUT_MS = 60_000;
const MAX_WAIT_SECONDS = 30;
/** Answers after which the same request may find another one: busy, overloaded, or on the way. */
const TRY_AGAIN = new Set([408, 425, 429, 502, 503, 504]);
/** The paywall's problems that say that a payment cannot be read or taken as it is. */
const UNUSABLE = new Set([400, 412, 413, 431]);

/**
 * Presents one payment until it is known what became of it: after a lost connection, a timeout, 409 in flight or 503
 * the identical request is sent again, never another payment.
 *
 * @param opensByReload whether a paid answer is opened by a reload, so that its body is not read.
 * @param waiting is told of every pause.
 */
export async function present(
  header: string,
  offers: PaymentRequired,
  opensByReload: (response: Response) => boolean,
  waiting: (seconds: number) => void,
): Promise<Outcome> {
  const endMs = Date.now() + PATIENCE_MS;
  for (let pause = 1; ; pause = Math.min(pause * 2, 8)) {
    let wait = pause;
    try {
      const response = await send(header);
      const outcome = await read(response, offers, opensByReload);
      if (outcome !== undefined) return outcome;
      const asked = Number(response.headers.get("Retry-After") ?? Number.NaN);
      if (asked >= 0) wait = Math.min(Math.max(asked, 1), MAX_WAIT_SECONDS);
    } catch {
      // The request or its answer was lost; the payment may have been taken.
    }
    if (Date.now() + wait * 1000 > endMs) return { kind: "unknown" };
    waiting(wait);
    await new Promise((resolve) => setTimeout(resolve, wait * 1000));
  }
}

async function send(header: string): Promise<Response> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), ANSWER_TIMEOUT_MS);
  try {
    // The origin stands in front: a path that begins with `//` would name another host.
    return await fetch(`${location.origin}${location.pathname}${location.search}`, {
      headers: {
        Accept: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        [PAYMENT_SIGNATURE]: header,
        [X_402_PAGE]: "1",
      },
      cache: "no-store",
      credentials: "same-origin",
      redirect: "manual",
      signal: abort.signal,
    });
  } finally {
    clearTimeout(timer);
  }
}

/** What an answer proves; nothing when it is to be asked for again. */
async function read(
  response: Response,
  offers: PaymentRequired,
  opensByReload: (response: Response) => boolean,
): Promise<Outcome | undefined> {
  const { status } = response;
  if (response.ok) {
    if (!opensByReload(response)) return { kind: "paid", response, content: await response.blob() };
    response.body?.cancel().catch(() => undefined);
    return { kind: "paid", response };
  }
  if (status === 402) return refusal(response, offers);
  if (TRY_AGAIN.has(status)) return undefined;
  const problem = await readProblem(response);
  if (status === 409 && problem.code === "payment_in_flight") return undefined;
  if (status === 409 && problem.code?.startsWith("payment_") === true)
    return { kind: "used", elsewhere: problem.code === "payment_bound_elsewhere" };
  const unusable = UNUSABLE.has(status) || (status === 403 && problem.code === "request_refused");
  if (unusable && problem.code !== undefined)
    return { kind: "refused", reason: problem.detail ?? problem.code, changed: false };
  return { kind: "failed", status };
}

function refusal({ headers }: Response, { accepts }: PaymentRequired): Outcome {
  const fresh = headers.get(PAYMENT_REQUIRED);
  const receipt = headers.get(PAYMENT_RESPONSE);
  let reason: string | undefined;
  let changed = false;
  try {
    if (fresh !== null) {
      const demand = decodeHeader(PaymentRequired, fresh, "malformed_payment_required", "402");
      reason = demand.error;
      changed = canonicalJson(demand.accepts) !== canonicalJson(accepts);
    }
    if (receipt !== null)
      reason =
        decodeHeader(SettleResponse, receipt, "malformed_receipt", "402").errorReason ?? reason;
  } catch {
    // A 402 all the same: the payment was not taken.
  }
  return { kind: "refused", reason: reason ?? "402", changed };
}

async function readProblem(response: Response): Promise<{ code?: string; detail?: string }> {
  if (response.headers.get("Content-Type")?.startsWith("application/problem+json") !== true)
    return {};
  const { code, detail } = ((await response.json()) ?? {}) as { code?: unknown; detail?: unknown };
  return {
    ...(typeof code === "string" && { code }),
    ...(typeof detail === "string" && { detail: detail.slice(0, 500) }),
  };
}
