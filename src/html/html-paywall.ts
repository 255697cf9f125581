import { sha256 } from "@noble/hashes/sha2.js";
import type { Answer, PageContext, PaywallPage, PaywallRequest } from "../server/gate.ts";
import { readOptions, type HtmlPaywallOptions, type PageStyle } from "./options.ts";
import { PAGE_SCRIPT, PAGE_SCRIPT_INTEGRITY, PAGE_SCRIPT_NAME, PAGE_STYLE } from "./page-asset.ts";
import { renderPage } from "./render.ts";

/** The query, whole, by which the page asks for its script at the priced URL's own path. */
const SCRIPT_QUERY = `?x402-asset=${PAGE_SCRIPT_NAME}`;

/**
 * The page that people see in place of a 402's JSON: price, network and payee; it finds the browser's wallets, has one
 * sign the payment, and opens what was paid for.
 *
 * @throws TypeError for options that cannot work.
 */
export function htmlPaywall(options: HtmlPaywallOptions = {}): PaywallPage {
  const checked = readOptions(options);
  const style = styleOf(checked);
  const styleHash = `sha256-${base64(sha256(new TextEncoder().encode(style)))}`;
  return {
    render(context: PageContext) {
      const nonce = base64(crypto.getRandomValues(new Uint8Array(16)));
      const parts = {
        style,
        scriptUrl: SCRIPT_QUERY,
        scriptIntegrity: PAGE_SCRIPT_INTEGRITY,
        nonce,
      };
      return {
        html: renderPage(context, checked, parts),
        headers: {
          "content-type": "text/html; charset=utf-8",
          "content-security-policy": contentSecurityPolicy(nonce, styleHash),
          "x-content-type-options": "nosniff",
          "referrer-policy": "same-origin",
        },
      };
    },
    asset: scriptAnswer,
  };
}

/**
 * The script, for exactly its own query and nothing else: constant bytes, whatever the path costs. A query of an
 * older version is a request like any other.
 */
function scriptAnswer({ method, url }: PaywallRequest): Answer | undefined {
  if (method !== "GET" && method !== "HEAD") return undefined;
  const isWhole = url.indexOf("?") === url.length - SCRIPT_QUERY.length && !url.includes("#");
  if (!url.endsWith(SCRIPT_QUERY) || !isWhole) return undefined;
  return {
    status: 200,
    headers: {
      "content-type": "text/javascript; charset=utf-8",
      "cache-control": "public, max-age=31536000, immutable",
      "x-content-type-options": "nosniff",
      "cross-origin-resource-policy": "same-origin",
    },
    body: method === "HEAD" ? null : PAGE_SCRIPT,
  };
}

/**
 * Nothing but this page's own script and style runs, nothing is asked from other origins, and nobody frames it.
 * Blobs are what was bought, shown in place.
 */
function contentSecurityPolicy(nonce: string, styleHash: string): string {
  return [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src '${styleHash}'`,
    "img-src 'self' data: blob:",
    "media-src blob:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

function styleOf({ accent }: PageStyle): string {
  if (accent === undefined) return PAGE_STYLE;
  return `${PAGE_STYLE}:root{--accent:${accent.background};--on-accent:${accent.ink}}`;
}

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}
