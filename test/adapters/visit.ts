/** Requests as they are written, byte for byte, and payments for them. */
import { request as httpRequest, type ClientRequest, type IncomingMessage } from "node:http";
import { once } from "node:events";
import { decodeHeader, encodeHeader } from "../../src/core/header.ts";
import { PaymentRequired, SettleResponse, type PaymentPayload } from "../../src/core/messages.ts";
import { paymentFor } from "../server/world.ts";

export interface Visit {
  readonly method?: string;
  /** Names and values in turn. */
  readonly headers?: readonly string[];
  readonly body?: string;
}

export interface Reply {
  readonly status: number;
  readonly reason: string;
  readonly headers: IncomingMessage["headers"];
  readonly rawHeaders: readonly string[];
  readonly trailers: NodeJS.Dict<string>;
  readonly body: string;
  readonly bytes: Buffer;
  /** Statuses of what came before the response. */
  readonly hints: readonly number[];
}

/** Sends a request; its target and headers as they are. */
export function send(port: number, path: string, visit: Visit = {}): ClientRequest {
  const outgoing = httpRequest({
    host: "127.0.0.1",
    port,
    path,
    method: visit.method ?? "GET",
    agent: false,
    headers: [
      "Host",
      `127.0.0.1:${port}`,
      "Connection",
      "close",
      ...(visit.headers ?? []),
      ...lengthOf(visit),
    ],
  });
  outgoing.end(visit.body);
  return outgoing;
}

const lengthOf = ({ body }: Visit): string[] =>
  body === undefined
    ? []
    : ["Content-Type", "text/plain", "Content-Length", String(Buffer.byteLength(body))];

export async function responseTo(outgoing: ClientRequest): Promise<IncomingMessage> {
  const [response] = (await once(outgoing, "response")) as [IncomingMessage];
  return response;
}

export async function ask(port: number, path: string, visit: Visit = {}): Promise<Reply> {
  const outgoing = send(port, path, visit);
  const hints: number[] = [];
  outgoing.on("information", ({ statusCode }) => hints.push(statusCode));
  const response = await responseTo(outgoing);
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  return {
    status: response.statusCode ?? 0,
    reason: response.statusMessage ?? "",
    headers: response.headers,
    rawHeaders: response.rawHeaders,
    trailers: response.trailers,
    body: bytes.toString(),
    bytes,
    hints,
  };
}

export function demandOf({ headers }: Reply): PaymentRequired {
  const text = String(headers["payment-required"] ?? "");
  return decodeHeader(PaymentRequired, text, "malformed_payment_required", "PAYMENT-REQUIRED");
}

export function receiptOf({ headers }: Reply, name = "payment-response"): SettleResponse {
  return decodeHeader(SettleResponse, String(headers[name] ?? ""), "malformed_receipt", name);
}

/** A payment of what a path asks for. */
export async function payFor(
  port: number,
  path: string,
  visit: Visit = {},
): Promise<PaymentPayload> {
  const unpaid = await ask(port, path, visit);
  return paymentFor(demandOf(unpaid).accepts[0]!);
}

export const presenting = (payment: PaymentPayload): readonly string[] => [
  "PAYMENT-SIGNATURE",
  encodeHeader(payment),
];

export const presentingV1 = ({ payload, accepted }: PaymentPayload): readonly string[] => [
  "X-PAYMENT",
  encodeHeader({ x402Version: 1, scheme: accepted.scheme, network: "base-sepolia", payload }),
];

/** Asks, pays and asks again. */
export async function buy(port: number, path: string, visit: Visit = {}): Promise<Reply> {
  const payment = await payFor(port, path, visit);
  return ask(port, path, { ...visit, headers: [...(visit.headers ?? []), ...presenting(payment)] });
}
