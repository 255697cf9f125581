/** Bytes that are no honest answer: cut, endless, malformed, slow. */
import { gzipSync } from "node:zlib";
import { encodeHeader } from "../../../src/core/header.ts";
import { RECEIPT } from "../shop.ts";
import {
  after,
  ask,
  base64,
  before,
  bytes,
  drip,
  header,
  type Answer,
  type Behaviour,
  type End,
} from "./server.ts";

const OK = `HTTP/1.1 200 OK\r\nPAYMENT-RESPONSE: ${encodeHeader(RECEIPT)}\r\n`;
const REQUIRED = ask().headers?.["PAYMENT-REQUIRED"] ?? "";
const ASK = `HTTP/1.1 402 Payment Required\r\nPAYMENT-REQUIRED: ${REQUIRED}\r\n`;
const DONE = `${OK}Content-Length: 10\r\n\r\nthe report`;

const paid = (does: string, answer: Answer, ends: readonly End[]): Behaviour => ({
  does: `takes the payment, and ${does}`,
  answer: after(answer),
  ends,
});
const unpaid = (does: string, answer: Answer, ends: readonly End[]): Behaviour => ({
  does: `asks, and ${does}`,
  answer: before(answer),
  ends,
});

const cuts: Behaviour[] = [
  paid("ends", bytes(""), ["uncertain"]),
  paid("resets", bytes("", "reset"), ["uncertain"]),
  paid("says nothing", bytes("", "silence"), ["uncertain"]),
  ...[3, 9, 13, 17, 60].map((length) =>
    paid(`is cut after ${length} bytes`, bytes(DONE.slice(0, length)), ["uncertain"]),
  ),
  paid("is cut before the body", bytes(`${OK}Content-Length: 10\r\n\r\n`), ["uncertain"]),
  paid("is cut in the body", bytes(DONE.slice(0, -3)), ["uncertain"]),
  paid("is reset in the body", bytes(DONE.slice(0, -3), "reset"), ["uncertain"]),
  paid("stalls in the body", bytes(DONE.slice(0, -3), "silence"), ["uncertain"]),
  paid("is reset after the body", bytes(DONE, "reset"), [200]),
  paid("is cut in a chunk", bytes(`${OK}Transfer-Encoding: chunked\r\n\r\nff\r\nabc`), ["aborted"]),
  paid("never ends its chunks", bytes(`${OK}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`), [
    "aborted",
  ]),
  paid("drips its headers", drip(OK, "X-A: b\r\n", 20), ["uncertain"]),
  paid("drips its body", drip(`${OK}Content-Length: 9999\r\n\r\n`, "x", 20), ["uncertain"]),
];

const malformed: Behaviour[] = [
  ...Object.entries({
    garbage: Buffer.from([0, 255, 254, 13, 10, 13, 10]),
    "a banner of SSH": "SSH-2.0-OpenSSH_9.9\r\n",
    "HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no version": "HTTP/ 200 OK\r\n\r\n",
    "a status of 4 digits": "HTTP/1.1 2000 OK\r\n\r\n",
    "two lengths": `${OK}Content-Length: 3\r\nContent-Length: 10\r\n\r\nthe report`,
    "a length below zero": `${OK}Content-Length: -1\r\n\r\nthe report`,
    "a length and chunks": `${OK}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`,
    "a longer body than it has": `${OK}Content-Length: 20\r\n\r\nthe report`,
    "another protocol":
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "a header with a line break": `${OK}X-A: b\rX-C: d\r\nContent-Length: 0\r\n\r\n`,
    "headers of 100 KB": `${OK}X-A: ${"b".repeat(100_000)}\r\n\r\n`,
    "gzip that is none": `${OK}Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnone`,
  }).map(([what, text]) => paid(`answers with ${what}`, bytes(text), ["uncertain"])),
  paid(
    "answers with a shorter body than it has",
    bytes(`${OK}Content-Length: 3\r\n\r\nthe report`),
    [200],
  ),
  paid(
    "answers with chunks of no number",
    bytes(`${OK}Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n`),
    ["aborted"],
  ),
  paid("answers in HTTP/1.0", bytes(DONE.replace("1.1", "1.0")), [200]),
  paid("answers without a length", bytes(`${OK.replace("1.1", "1.0")}\r\nthe report`), [200]),
  ...["Très bien", "✓ bezahlt", "\u007f", "\t", "", "OK".repeat(500)].map((reason) =>
    paid(
      `gives the reason ${JSON.stringify(reason.slice(0, 20))}`,
      bytes(DONE.replace("OK", reason)),
      [200],
    ),
  ),
  paid(
    "answers with 500 early hints first",
    bytes("HTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\n".repeat(500) + DONE),
    [200],
  ),
  paid(
    "answers with early hints and nothing else",
    drip("", "HTTP/1.1 103 Early Hints\r\n\r\n", 5),
    ["uncertain"],
  ),
  paid("continues", bytes(`HTTP/1.1 100 Continue\r\n\r\n${DONE}`), ["uncertain"]),
  paid("answers twice", bytes(DONE + DONE), [200]),
  paid("answers before and after", bytes(`${DONE}HTTP/1.1 402 No\r\n\r\n`), [200]),
];

const bomb = gzipSync(Buffer.alloc(20_000_000));
const gzip = { "Content-Encoding": "gzip", "Content-Type": "application/json" };
const large: Behaviour[] = [
  paid("delivers a bomb", { status: 200, headers: gzip, body: bomb }, [200]),
  paid("refuses with a bomb", { status: 402, headers: gzip, body: bomb }, ["rejected"]),
  unpaid(
    "sends a bomb along",
    { ...ask(), headers: { ...ask().headers, ...gzip }, body: bomb },
    [200],
  ),
  unpaid("hides the offer in a bomb", { status: 402, headers: gzip, body: bomb }, [402]),
  unpaid("never ends the body", drip(`${ASK}\r\n`, "x".repeat(10_000), 1), [200]),
  unpaid("stalls in the body", bytes(`${ASK}Content-Length: 9\r\n\r\n`, "silence"), [200]),
  unpaid("stalls in the offer", bytes("HTTP/1.1 402 No\r\nContent-Length: 9\r\n\r\n{", "silence"), [
    "network error",
  ]),
  unpaid(
    "asks for payment before anything was asked",
    bytes(ASK + "Content-Length: 0\r\n\r\n" + DONE),
    [200],
  ),
  unpaid(
    "gives two headers",
    bytes(`${ASK}PAYMENT-REQUIRED: ${REQUIRED}\r\nContent-Length: 0\r\n\r\n`),
    ["malformed"],
  ),
  unpaid(
    "gives two headers that differ",
    bytes(`${ASK}payment-required: e30=\r\nContent-Length: 0\r\n\r\n`),
    ["malformed"],
  ),
];

const headers: Behaviour[] = Object.entries({
  "in the URL's alphabet": "eyJhIjoiPz8_In0=",
  "without padding": REQUIRED.replace(/=*$/, "") + "A",
  "with a line break": `${REQUIRED.slice(0, 8)} ${REQUIRED.slice(8)}`,
  "in quotes": `"${REQUIRED}"`,
  "in UTF-16": base64(Buffer.from('{"x402Version":2,"accepts":[]}', "utf16le")),
  "with a byte-order mark": base64(`\ufeff{"x402Version":2}`),
  "of two messages": REQUIRED + REQUIRED,
  "that is JSON": '{"x402Version":2,"accepts":[]}',
  "that is empty": "",
  "of v1": base64('{"x402Version":1,"accepts":[]}'),
  "of v3": base64('{"x402Version":3,"accepts":[]}'),
}).map(([what, value]) => unpaid(`has a header ${what}`, header(value), ["malformed"]));

export const WIRE: readonly Behaviour[] = [
  ...cuts,
  ...malformed,
  ...large,
  ...headers,
  unpaid("has a header of 8,193 characters", header("e30=".repeat(2048) + "A"), ["too large"]),
];
