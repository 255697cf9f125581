import {
  PAYMENT_REQUIRED,
  PAYMENT_RESPONSE,
  PAYMENT_SIGNATURE,
  X_PAYMENT,
  X_PAYMENT_RESPONSE,
} from "../core/header.ts";
import type { Answer, PaywallRequest } from "./gate.ts";

export interface CorsOptions {
  /** Origins that may ask and pay; default: any. */
  readonly origins?: readonly string[];
  /** Request headers beside the payment's own and `Content-Type`. */
  readonly allowHeaders?: readonly string[];
  /** Default: GET, HEAD, POST, PUT, PATCH, DELETE. */
  readonly allowMethods?: readonly string[];
  /** How long a browser may remember a preflight; default 600. */
  readonly maxAgeSeconds?: number;
}

/** What a browser's script may read of an answer. */
const EXPOSED_HEADERS = [PAYMENT_REQUIRED, PAYMENT_RESPONSE, X_PAYMENT_RESPONSE];

/** What a browser's script may send; reference clients send the last one as a request header. */
const ALLOWED_HEADERS = [
  PAYMENT_SIGNATURE,
  X_PAYMENT,
  "SIGN-IN-WITH-X",
  "Content-Type",
  "Access-Control-Expose-Headers",
];
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

export interface Cors {
  /**
   * Answer to a preflight. It never goes on to a handler, which might take any method and give its content to whoever
   * calls his request a preflight: an app that answers them itself does so before the paywall.
   */
  preflight(request: PaywallRequest): Answer;
  /** Headers of every other answer. */
  headers(request: PaywallRequest): Readonly<Record<string, string>>;
}

/** A browser asks before it sends a payment; it cannot pay for asking. */
export function isPreflight({ method, headers }: PaywallRequest): boolean {
  return method === "OPTIONS" && headers.get("Access-Control-Request-Method") !== null;
}

/** @throws TypeError for an origin that is none. */
export function corsPolicy(option: boolean | CorsOptions | undefined): Cors {
  const expose = { "access-control-expose-headers": EXPOSED_HEADERS.join(", ") };
  if (option === undefined || option === false) {
    const headers = option === false ? {} : expose;
    const answer = { status: 204, headers: {}, body: null };
    return { preflight: () => answer, headers: () => headers };
  }
  const {
    origins,
    allowHeaders = [],
    allowMethods = METHODS,
    maxAgeSeconds = 600,
  } = option === true ? ({} as CorsOptions) : option;
  for (const origin of origins ?? []) {
    if (!URL.canParse(origin) || new URL(origin).origin !== origin)
      throw new TypeError(
        `cors.origins "${origin}" is not an origin such as "https://example.com"`,
      );
  }
  const anyone = { ...expose, "access-control-allow-origin": "*" };
  const headersFor = (request: PaywallRequest): Record<string, string> => {
    if (origins === undefined) return anyone;
    const origin = request.headers.get("Origin");
    return origin !== null && origins.includes(origin)
      ? { ...expose, "access-control-allow-origin": origin, vary: "Origin" }
      : { vary: "Origin" };
  };
  const allowed = {
    "access-control-allow-methods": allowMethods.join(", "),
    "access-control-allow-headers": [...ALLOWED_HEADERS, ...allowHeaders].join(", "),
    "access-control-max-age": String(maxAgeSeconds),
  };
  return {
    headers: headersFor,
    preflight(request) {
      const headers = headersFor(request);
      const welcome = "access-control-allow-origin" in headers;
      return { status: 204, headers: { ...headers, ...(welcome && allowed) }, body: null };
    },
  };
}
