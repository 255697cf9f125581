import { encodeBase64, isAscii } from "../core/base64.ts";
import type { PaymentRequired, ResourceInfo } from "../core/messages.ts";
import { offersToV1 } from "../core/messages-v1.ts";
import type { PricedOffer } from "./offers.ts";

/** What a route asks for. All that does not depend on the request is encoded once. */
export interface Demand {
  readonly offers: readonly PricedOffer[];
  /** The message of the 402. */
  message(url: string, error: string): PaymentRequired;
  /** Value of `PAYMENT-REQUIRED`. */
  header(url: string, error: string): string;
  /** The v1 message, JSON. */
  bodyV1(url: string, error: string): string;
}

export function createDemand(
  offers: readonly PricedOffer[],
  info: Omit<ResourceInfo, "url">,
  extensions: Readonly<Record<string, unknown>>,
): Demand {
  const accepts = offers.map(({ requirements }) => requirements);
  const declared = {
    ...Object.assign(
      {},
      ...offers.map(({ scheme, requirements }) => scheme.extensions?.(requirements)),
    ),
    ...extensions,
  } as Record<string, unknown>;
  const rest = {
    x402Version: 2 as const,
    accepts,
    ...(Object.keys(declared).length > 0 && { extensions: declared }),
  };
  // {…,"resource":{…, up to the URL, which is the last of it: only what follows differs from request to request.
  const fixed = `${open(rest)},"resource":${open(info, true)}`;
  const prefix = encodeBase64(fixed.padEnd(Math.ceil(fixed.length / 3) * 3));
  const aligned = isAscii(fixed);
  const v1 = offersToV1(accepts, { url: "", ...info }).map(({ resource: _resource, ...offer }) =>
    JSON.stringify(offer).slice(1),
  );
  return {
    offers,
    message: (url, error) => ({ ...rest, error, resource: { ...info, url } }),
    header(url, error) {
      const end = `"url":${JSON.stringify(url)}},"error":${JSON.stringify(error)}}`;
      return aligned ? prefix + encodeBase64(end) : encodeBase64(fixed + end);
    },
    bodyV1(url, error) {
      const resource = JSON.stringify(url);
      const offersV1 = v1.map((offer) => `{"resource":${resource},${offer}`).join(",");
      return `{"x402Version":1,"error":${JSON.stringify(error)},"accepts":[${offersV1}]}`;
    },
  };
}

/** JSON of an object without its closing brace, and with a comma after the last entry where more entries follow. */
function open(value: object, continued = false): string {
  const json = JSON.stringify(value).slice(0, -1);
  return continued && json !== "{" ? `${json},` : json;
}
