/** A page as a gate would have it rendered. */
import type { PaymentRequired, PaymentRequirements } from "../../src/core/messages.ts";
import { exactEvm } from "../../src/evm/index.ts";
import { htmlPaywall, type HtmlPaywallOptions } from "../../src/html/index.ts";

export const URL_PAID = "https://shop.example/report?day=1";
export const PAY_TO = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C";

export function offer(change: Partial<PaymentRequirements> = {}): PaymentRequirements {
  const network = "eip155:84532";
  const priced = exactEvm().price("$0.01", network);
  return { scheme: "exact", network, payTo: PAY_TO, maxTimeoutSeconds: 300, ...priced, ...change };
}

export function demand(change: Partial<PaymentRequired> = {}): PaymentRequired {
  return { x402Version: 2, resource: { url: URL_PAID }, accepts: [offer()], ...change };
}

export function get(url = URL_PAID, method = "GET"): Request {
  return new Request(url, { method });
}

export function render(
  paymentRequired: PaymentRequired = demand(),
  options: HtmlPaywallOptions = {},
): { html: string; headers: Readonly<Record<string, string>> } {
  const { html, headers = {} } = htmlPaywall(options).render({ request: get(), paymentRequired });
  return { html, headers };
}
