/** `farthing/axios`: an axios instance that pays. */
import type { AxiosInstance } from "axios";
import type { SettleResponse } from "../core/messages.ts";
import { getPaymentReceipt } from "./receipt.ts";
import { wrapFetchWithPayment, type WrapFetchOptions } from "./wrap-fetch.ts";

type Fetch = typeof globalThis.fetch;

/**
 * Has an axios instance (1.13.6 or later) make its requests through a `fetch` that pays; all else stays axios's own:
 * interceptors, timeouts, `validateStatus`, the form of responses and errors. What the paying `fetch` throws is the
 * `cause` of an AxiosError with its code, for example `payment_refused`.
 *
 * Give it an instance of its own (`axios.create()`): what the default one has, all later instances inherit. The adapter
 * is axios's `fetch`, so `responseType: "stream"` gives a web stream, forms are the platform's, and agents, proxies and
 * sockets do not apply. An interceptor that sends a request again makes a new call, as calling `fetch` again would: while
 * the earlier payment may be taken, the same one is presented again.
 *
 * @param options as of `wrapFetchWithPayment`, or the `fetch` that it gave.
 * @returns the same instance.
 */
export function wrapAxiosWithPayment<T extends AxiosInstance>(
  instance: T,
  options: WrapFetchOptions | Fetch,
): T {
  const { defaults } = instance;
  const pay =
    typeof options === "function" ? options : wrapFetchWithPayment(globalThis.fetch, options);

  // A Request has its body as a stream; axios' own body is what can be sent again, and known again.
  const inits = new WeakMap<Request, RequestInit>();
  const RememberedRequest = new Proxy(Request, {
    construct(target, args: ConstructorParameters<typeof Request>, newTarget) {
      const request = Reflect.construct(target, args, newTarget) as Request;
      if (args[1] !== undefined) inits.set(request, args[1]);
      return request;
    },
  });
  defaults.env = {
    ...defaults.env,
    FormData,
    Request: RememberedRequest,
    async fetch(input, init) {
      const settings = input instanceof Request ? inits.get(input) : undefined;
      if (settings === undefined || isStream(settings.body)) return await pay(input, init);
      return await pay((input as Request).url, { ...settings, headers: headersOf(settings) });
    },
  };
  defaults.adapter = "fetch";
  return instance;
}

/** As axios made them; but the type of a form is the one that `fetch` gives it (in Node, axios 1.21 leaves its default). */
function headersOf({ headers, body }: RequestInit): Headers {
  const copy = new Headers(headers);
  if (body instanceof FormData) copy.delete("Content-Type");
  return copy;
}

/** Whether a body can be read once. @throws TypeError for what would be sent as its name. */
function isStream(body: unknown): boolean {
  if (typeof body !== "object" || body === null) return false;
  if (body instanceof ReadableStream || Symbol.asyncIterator in body) return true;
  if ("pipe" in body)
    throw new TypeError("this body cannot be sent: give a FormData of the platform, or a stream");
  return false;
}

/**
 * The receipt of a paid axios response, or of an error's `response`; nothing when it has none.
 *
 * @throws X402Error `malformed_receipt` or `payload_too_large`.
 */
export function getAxiosPaymentReceipt(response: {
  readonly headers: object;
}): SettleResponse | undefined {
  const headers = new Map(
    Object.entries(response.headers).map(([name, value]) => [name.toLowerCase(), value as unknown]),
  );
  return getPaymentReceipt({
    headers: {
      get(name) {
        const value = headers.get(name.toLowerCase());
        return typeof value === "string" ? value : null;
      },
    },
  });
}
