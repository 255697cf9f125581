/** Servers that a paying `fetch` meets, honest or not, and an account that counts its signatures. */
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach } from "vitest";
import { privateKeyToAccount } from "viem/accounts";
import { wrapFetchWithPayment, type WrapFetchOptions } from "../../src/client/index.ts";
import { encodeHeader } from "../../src/core/header.ts";
import type { PaymentPayload, PaymentRequirements } from "../../src/core/messages.ts";
import { exactEvm, type EvmSigner } from "../../src/evm/index.ts";

export const OFFER: PaymentRequirements = {
  scheme: "exact",
  network: "eip155:84532",
  amount: "10000",
  asset: "0x036CbD53842c5426634e7929541eC2318f3dCF7e",
  payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C",
  maxTimeoutSeconds: 300,
  extra: { name: "USDC", version: "2" },
};

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Reply {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
}

export interface Shop {
  readonly url: string;
  readonly received: readonly Received[];
}

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

/** A real server; `null` cuts the connection. */
export async function openShop(reply: (request: Received) => Reply | null = sell()): Promise<Shop> {
  const received: Received[] = [];
  const server = createServer(async (incoming, response) => {
    const { method = "", url: path = "", headers } = incoming;
    const request = { method, path, headers, body: await buffer(incoming) };
    received.push(request);
    const answer = reply(request);
    if (answer === null) incoming.socket.destroy();
    else response.writeHead(answer.status, answer.headers).end(answer.body);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received };
}

export const RECEIPT = {
  success: true,
  transaction: `0x${"7a".repeat(32)}`,
  network: OFFER.network,
};

export const isPaid = ({ headers }: Received): boolean =>
  headers["payment-signature"] !== undefined || headers["x-payment"] !== undefined;

export const demand = (change: object = {}): Reply => ({
  status: 402,
  headers: {
    "PAYMENT-REQUIRED": encodeHeader({
      x402Version: 2,
      resource: { url: "https://shop.example/report" },
      accepts: [OFFER],
      ...change,
    }),
  },
});

/** Asks for a payment, and delivers to everybody who shows one. */
export const sell =
  (change: object = {}) =>
  (request: Received): Reply =>
    isPaid(request)
      ? { status: 200, headers: { "PAYMENT-RESPONSE": encodeHeader(RECEIPT) }, body: "the report" }
      : demand(change);

/** Asks for one offer with these changes. */
export const sellAt = (change: object) => sell({ accepts: [{ ...OFFER, ...change }] });

export function paymentOf({ headers }: Received): PaymentPayload {
  const text = Buffer.from(String(headers["payment-signature"]), "base64").toString();
  return JSON.parse(text) as PaymentPayload;
}

/** Payments with the same nonce exclude each other. */
export const nonceOf = ({ payload }: PaymentPayload): string =>
  (payload as { authorization: { nonce: string } }).authorization.nonce;

export interface Wallet {
  readonly signatures: number;
  readonly pay: typeof globalThis.fetch;
}

/** A paying `fetch` with a count of what its account signed; the account may take its time. */
export function openWallet(
  options: Partial<WrapFetchOptions> & { signingMs?: number } = {},
): Wallet {
  const { signingMs = 0, ...fetchOptions } = options;
  const account = privateKeyToAccount(`0x${"42".repeat(32)}`);
  let signatures = 0;
  const counting: EvmSigner = {
    address: account.address,
    async signTypedData(typedData) {
      signatures += 1;
      if (signingMs > 0) await sleep(signingMs);
      return await account.signTypedData(typedData);
    },
  };
  return {
    get signatures() {
      return signatures;
    },
    pay: wrapFetchWithPayment(fetch, {
      schemes: [exactEvm({ account: counting })],
      retry: { attempts: 2 },
      ...fetchOptions,
    }),
  };
}
