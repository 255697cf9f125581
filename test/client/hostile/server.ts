/** A server that answers as a table says: with replies, with raw bytes, or not at all. */
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import { encodeHeader } from "../../../src/core/header.ts";
import { OFFER, RECEIPT, type Reply } from "../shop.ts";

export interface Visit {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Whether it shows a payment, and how many have done so before. */
  readonly paid: boolean;
  readonly payments: number;
  /** Origins of this server and of one that steals. */
  readonly here: string;
  readonly thief: string;
}

/** A reply, bytes for the socket, or nothing: the connection is cut. */
export type Answer = Reply | null | ((socket: Socket) => void);

export interface HostileServer {
  readonly url: string;
  readonly visits: Visit[];
  close(): void;
}

export async function openServer(
  answer: (visit: Visit) => Answer,
  thief = "http://127.0.0.1:9",
): Promise<HostileServer> {
  const visits: Visit[] = [];
  let here = "";
  const server: Server = createServer(async (incoming, response) => {
    const { url: path = "", headers } = incoming;
    await buffer(incoming).catch(() => undefined);
    const paid = "payment-signature" in headers || "x-payment" in headers;
    const payments = visits.filter((visit) => visit.paid).length;
    const visit = { path, headers, paid, payments, here, thief };
    visits.push(visit);
    const reply = answer(visit);
    if (reply === null) incoming.socket.destroy();
    else if (typeof reply === "function") reply(incoming.socket);
    else
      response
        .writeHead(reply.status, {
          "Content-Length": Buffer.byteLength(reply.body ?? ""),
          ...reply.headers,
        })
        .end(reply.body);
  });
  server.on("clientError", (_, socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  here = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: here,
    visits,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Bytes, and then the end of the connection, or silence. */
export const bytes =
  (text: string | Buffer, then: "end" | "reset" | "silence" = "end"): Answer =>
  (socket) => {
    socket.write(text, () => {
      if (then === "end") socket.end();
      if (then === "reset") setTimeout(() => socket.resetAndDestroy(), 5);
    });
  };

/** The same bytes again and again, as long as somebody reads them. */
export const drip =
  (start: string, part: string, everyMs: number): Answer =>
  (socket) => {
    socket.write(start);
    const timer = setInterval(() => socket.write(part), everyMs);
    socket.on("close", () => clearInterval(timer)).on("error", () => undefined);
  };

export const ask = (change: object = {}, headers: Record<string, string> = {}): Reply => ({
  status: 402,
  headers: {
    "PAYMENT-REQUIRED": encodeHeader({
      x402Version: 2,
      resource: { url: "https://shop.example/report" },
      accepts: [OFFER],
      ...change,
    }),
    ...headers,
  },
});

/** Asks for the usual offer with changes. */
export const askAt = (change: object, extra: object = {}): Reply =>
  ask({ accepts: [{ ...OFFER, ...change, extra: { ...OFFER.extra, ...extra } }] });

export const header = (value: string): Reply => ({
  status: 402,
  headers: { "PAYMENT-REQUIRED": value },
});

export const deliver = (receipt: object = {}): Reply => ({
  status: 200,
  headers: { "PAYMENT-RESPONSE": encodeHeader({ ...RECEIPT, ...receipt }) },
  body: "the report",
});

export const base64 = (text: string | Uint8Array): string => Buffer.from(text).toString("base64");

/** How a call is to end: a status, a rule of PaymentRefused, or another error. */
export type End =
  | number
  | `refused ${string}`
  | "rejected"
  | "uncertain"
  | "malformed"
  | "too large"
  | "network error"
  | "aborted";

/** A behaviour of a server, and how each of the calls to it ends. */
export interface Behaviour {
  readonly does: string;
  readonly answer: (visit: Visit) => Answer;
  readonly ends: readonly End[];
  /** Signatures, and distinct nonces among them; default: none when the first call is refused, else one. */
  readonly signed?: readonly [signatures: number, nonces: number];
  readonly pinPayees?: boolean;
  readonly payFirst?: boolean;
}

/** Before the payment this, and after it the goods. */
export const before =
  (reply: Answer) =>
  ({ paid }: Visit): Answer =>
    paid ? deliver() : reply;

/** Asks honestly, and does this to who pays. */
export const after =
  (reply: Answer) =>
  ({ paid }: Visit): Answer =>
    paid ? reply : ask();

/** The same, where it depends on the visit. */
export const afterwards =
  (reply: (visit: Visit) => Answer) =>
  (visit: Visit): Answer =>
    visit.paid ? reply(visit) : ask();

export const MALFORMED = ["malformed"] as const;

/** One offer with these changes, asked for in every call. */
export const offer = (
  does: string,
  change: object,
  ends: readonly End[],
  extra?: object,
): Behaviour => ({
  does,
  answer: before(askAt(change, extra)),
  ends,
});

/** Asks honestly; whoever pays gets this. */
export const reply = (does: string, answer: Answer, ends: readonly End[]): Behaviour => ({
  does,
  answer: after(answer),
  ends,
});
