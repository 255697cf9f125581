/** What a server does with a payment: how it answers, where it sends the payer, what it says of the settlement. */
import { encodeHeader } from "../../../src/core/header.ts";
import { OFFER, RECEIPT } from "../shop.ts";
import { REDIRECTS } from "./redirects.ts";
import {
  after,
  afterwards,
  ask,
  askAt,
  deliver,
  header,
  reply,
  type Answer,
  type Behaviour,
} from "./server.ts";

const receipt = (change: object, status = 402, more: Record<string, string> = {}): Answer => ({
  status,
  headers: { "PAYMENT-RESPONSE": encodeHeader({ ...RECEIPT, ...change }), ...more },
});
const failed = { success: false, transaction: "", errorReason: "insufficient_funds" };
const pending = { success: false, errorReason: "settlement_pending" };

const TWICE = [
  "rejected",
  "rejected",
  "refused earlier_payment",
  "refused earlier_payment",
] as const;
const once = (behaviour: Behaviour): Behaviour => ({ ...behaviour, signed: [2, 1] });

const refusals: Behaviour[] = [
  once(reply("asks for payment for ever", ask(), TWICE)),
  once(reply("refuses without a word", { status: 402 }, TWICE)),
  once(reply("refuses with a receipt", receipt(failed), TWICE)),
  once(reply("refuses with a receipt and new offers", receipt(failed, 402, ask().headers), TWICE)),
  once(reply("refuses with what cannot be read", header("!"), TWICE)),
  once(reply("asks for more after the payment", askAt({ amount: "90000" }), TWICE)),
  once(reply("asks for a million after the payment", askAt({ amount: "1000000000000" }), TWICE)),
  reply("refuses, and shows a receipt of success", receipt({}), ["uncertain", "uncertain"]),
  reply("says that the settlement is pending, for ever", receipt(pending), [
    "uncertain",
    "uncertain",
  ]),
  reply(
    "shows a receipt that is no receipt",
    { status: 402, headers: { "PAYMENT-RESPONSE": "e30=" } },
    ["uncertain"],
  ),
  {
    does: "says 402, 409 and 503 in turn",
    answer: afterwards(
      ({ payments }) => [receipt(pending), { status: 409 }, { status: 503 }][payments % 3] ?? null,
    ),
    ends: ["uncertain", "uncertain", "uncertain"],
  },
  {
    does: "refuses the payment that it did not answer",
    answer: afterwards(({ payments }) => (payments === 0 ? null : ask())),
    ends: ["uncertain", "uncertain"],
  },
  {
    does: "raises the price with every refusal",
    answer: ({ payments }) => askAt({ amount: String(10_000 * (payments + 1)) }),
    ends: ["rejected", "rejected", "refused earlier_payment"],
    signed: [2, 1],
  },
  {
    does: "refuses, and asks for another payee and token then",
    answer: ({ payments }) =>
      askAt(
        payments === 0
          ? {}
          : {
              payTo: `0x${"c2".repeat(20)}`,
              network: "eip155:8453",
              asset: "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913",
            },
      ),
    ends: ["rejected", "refused earlier_payment"],
    signed: [1, 1],
  },
  {
    does: "raises a price that is paid at once",
    payFirst: true,
    answer: ({ paid, payments }) =>
      payments === 0
        ? paid
          ? deliver()
          : ask()
        : paid && payments > 1
          ? deliver()
          : askAt({ amount: "90000" }),
    ends: [200, 200],
    signed: [3, 2],
  },
  {
    does: "raises a price that is paid at once over the limit",
    payFirst: true,
    answer: ({ paid, payments }) =>
      payments === 0 ? (paid ? deliver() : ask()) : askAt({ amount: "900000" }),
    ends: [200, "refused max_amount"],
    signed: [2, 2],
  },
  {
    does: "refuses what is paid at once",
    payFirst: true,
    answer: ({ paid, payments }) => (paid && payments === 0 ? deliver() : ask()),
    ends: [200, "rejected", "rejected", "refused earlier_payment"],
    signed: [3, 2],
  },
];

const waits: Behaviour[] = [
  ...["31536000", "999999999", "Fri, 31 Dec 9999 23:59:59 GMT"].map((time) =>
    reply(
      `has the payer come back after ${time}`,
      { status: 503, headers: { "Retry-After": time } },
      ["uncertain"],
    ),
  ),
  ...[
    "-1",
    "0",
    "soon",
    "1e9",
    "99999999999999999999",
    "NaN",
    "",
    "Thu, 01 Jan 1970 00:00:00 GMT",
  ].map((time) =>
    reply(
      `has the payer come back after ${JSON.stringify(time)}`,
      { status: 429, headers: { "Retry-After": time } },
      ["uncertain"],
    ),
  ),
  ...[500, 502, 599, 600, 999].map((status) =>
    reply(`answers ${status}`, { status, body: "no" }, ["uncertain"]),
  ),
  ...[300, 304, 400, 401, 403, 404, 413, 431, 451].map((status) =>
    reply(`answers ${status}`, { status }, [status]),
  ),
];

const TEXT = "\u001b[2J\u009b31m\r\nINFO paid \u202e\u2028\u200b";
const lies: Behaviour[] = [
  ...Object.entries({
    "of another network": { network: "eip155:1" },
    "of a larger amount": { amount: "999999999" },
    "of an amount that is none": { amount: "-1e9" },
    "of another payer": { payer: `0x${"99".repeat(20)}` },
    "without a transaction": { transaction: "" },
    "that failed": failed,
    "with text for the terminal": {
      transaction: TEXT,
      errorReason: TEXT,
      network: TEXT,
      amount: TEXT,
    },
  }).map(([what, change]) => reply(`delivers with a receipt ${what}`, deliver(change), [200])),
  ...Object.entries({
    "that is no JSON": "aGVsbG8=",
    "that is no base64": "success!",
    "of 10 KB": "QUJD".repeat(2500),
    "that is a list": "W10=",
    "with a forbidden key": Buffer.from('{"__proto__":{"success":true}}').toString("base64"),
  }).map(([what, value]) =>
    reply(
      `delivers with a receipt ${what}`,
      { status: 200, headers: { "PAYMENT-RESPONSE": value } },
      [200],
    ),
  ),
  reply(
    "delivers with a receipt of 20 KB",
    { status: 200, headers: { "PAYMENT-RESPONSE": "QUJD".repeat(5000) } },
    ["uncertain"],
  ),
  {
    does: "hands every customer the receipt of the first",
    answer: after(deliver({ payer: OFFER.payTo })),
    ends: [200, 200],
    signed: [2, 2],
  },
  once(reply("gives its reasons in text for the terminal", ask({ error: TEXT.repeat(20) }), TWICE)),
  once(
    reply(
      "fails with text for the terminal",
      receipt({ ...failed, errorReason: TEXT, errorMessage: TEXT }),
      TWICE,
    ),
  ),
  {
    does: "names a scheme with text for the terminal",
    answer: () => askAt({ scheme: TEXT, asset: TEXT, payTo: TEXT }),
    ends: ["refused scheme"],
    signed: [0, 0],
  },
];

export const REPLIES: readonly Behaviour[] = [...refusals, ...waits, ...REDIRECTS, ...lies];
