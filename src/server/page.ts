/** What a page for people needs of the gate: when to show it, and how the paid content comes as a page of its own. */
import { PAYMENT_SIGNATURE, X_402_PAGE } from "../core/header.ts";
import type { PaymentRequired, PaymentRequirements } from "../core/messages.ts";
import { claimTtlMs } from "./context.ts";
import type { Answer, PaywallPage, PaywallRequest } from "./gate.ts";
import type { Visit } from "./present.ts";
import { pathOf } from "./request-url.ts";

const COOKIE = "x402-payment";
/** Browsers keep cookies up to 4096 bytes. */
const MAX_COOKIE = 3800;

/** Whether a person is asking: the reference's rule. */
function isBrowser({ method, headers }: PaywallRequest): boolean {
  return (
    (method === "GET" || method === "HEAD") &&
    headers.get("Accept")?.includes("text/html") === true &&
    headers.get("User-Agent")?.includes("Mozilla") === true
  );
}

/** The page in place of a 402's JSON; nothing for who is no browser. */
export function renderPage(
  page: PaywallPage | undefined,
  request: PaywallRequest,
  paymentRequired: () => PaymentRequired,
): { readonly html: string; readonly headers: Readonly<Record<string, string>> } | undefined {
  if (page === undefined || !isBrowser(request)) return undefined;
  const { html, headers } = page.render({ request, paymentRequired: paymentRequired() });
  return { html, headers: { "content-type": "text/html; charset=utf-8", ...headers } };
}

/** The payment that the page left in a cookie, for a navigation that cannot carry a payment header. */
export function paymentCookie({ method, headers }: PaywallRequest): string | undefined {
  if (method !== "GET") return undefined;
  for (const pair of headers.get("Cookie")?.split(/[;,]/) ?? []) {
    const [name = "", ...value] = pair.split("=");
    if (name.trim() === COOKIE) return value.join("=").trim();
  }
  return undefined;
}

/** A path that stands in a cookie as it stands in the browser's address. */
const COOKIE_PATH = /^\/[\x21-\x3a\x3c-\x7e]*$/;

/**
 * Lets a page show the paid HTML that is stored for its payment by a reload: the cookie holds the payment that the page
 * sent, for its own path, out of the reach of scripts. The answer stays as it is where nobody asked for it, or where a
 * reload would not show it.
 */
export function withReload(
  { context, request, text }: Visit,
  answer: Answer,
  requirements: PaymentRequirements,
): Answer {
  if (context.options.page === undefined) return answer;
  const { headers } = answer;
  const url = context.publicUrl(request);
  const path = pathOf(url);
  const wanted = request.method === "GET" && request.headers.get(X_402_PAGE) === "1";
  const html = /^text\/html/i.test(String(headers["content-type"]));
  const fits = text.length <= MAX_COOKIE && request.headers.get(PAYMENT_SIGNATURE) === text;
  if (!wanted || !html || !fits || !COOKIE_PATH.test(path)) return answer;
  const secure = url.startsWith("https:") ? "; Secure" : "";
  const maxAge = Math.floor(claimTtlMs(requirements) / 1000);
  const cookie = `${COOKIE}=${text}; Path=${path}; Max-Age=${maxAge}; HttpOnly; SameSite=Strict${secure}`;
  const others = headers["set-cookie"] ?? [];
  const cookies = [...(typeof others === "string" ? [others] : others), cookie];
  return { ...answer, headers: { ...headers, "set-cookie": cookies, [X_402_PAGE]: "reload" } };
}
