/** A server without sockets: what is measured is the client. Every answer is a `Response` of its own, as of `fetch`. */
import { encodeHeader } from "../../src/core/header.ts";

export const OFFER = {
  scheme: "exact",
  network: "eip155:84532",
  amount: "10000",
  asset: "0x036CbD53842c5426634e7929541eC2318f3dCF7e",
  payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C",
  maxTimeoutSeconds: 300,
  extra: { name: "USDC", version: "2" },
} as const;

const demand = encodeHeader({
  x402Version: 2,
  resource: { url: "https://shop.example/report", description: "A report", mimeType: "text/plain" },
  accepts: [OFFER],
});
const receipt = encodeHeader({
  success: true,
  transaction: `0x${"7a".repeat(32)}`,
  network: OFFER.network,
});
const body = new TextEncoder().encode('{"report":"of what was paid for"}');
const headers = { "Content-Type": "application/json", "Content-Length": String(body.length) };

/** `fetch` of a server whose routes are free, or cost a cent. */
export function serverFetch(priced: boolean): { fetch: typeof globalThis.fetch; requests: number } {
  const server = {
    requests: 0,
    fetch: async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
      server.requests += 1;
      const sent = input instanceof Request ? input.headers : new Headers(init?.headers);
      if (!priced) return new Response(body, { headers });
      if (!sent.has("PAYMENT-SIGNATURE"))
        return new Response("{}", { status: 402, headers: { "PAYMENT-REQUIRED": demand } });
      return new Response(body, { headers: { ...headers, "PAYMENT-RESPONSE": receipt } });
    },
  };
  return server;
}
