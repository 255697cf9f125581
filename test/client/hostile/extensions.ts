/** Extensions of a 402, and keys that reach for more. */
import { encodeHeader } from "../../../src/core/header.ts";
import { OFFER } from "../shop.ts";
import { ask, base64, before, MALFORMED, type Behaviour } from "./server.ts";

const identifier = (value: unknown) => ask({ extensions: { "payment-identifier": value } });
export const EXTENSIONS: Behaviour[] = [
  ...[
    "pay_me",
    null,
    [],
    {},
    { info: null },
    { info: [] },
    { info: "x" },
    { info: { required: "yes", id: "mine" } },
    { info: { id: { a: 1 } } },
  ].map((value) => ({
    does: `declares the identifier ${JSON.stringify(value)}`,
    answer: before(identifier(value)),
    ends: [200],
  })),
  {
    does: "has extensions of 4 KB",
    answer: before(ask({ extensions: { large: { info: "x".repeat(4000) } } })),
    ends: [200],
  },
  {
    does: "has extensions that are deep",
    answer: before({
      status: 402,
      headers: {
        "PAYMENT-REQUIRED": base64(
          `{"x402Version":2,"accepts":[],"extensions":${"[".repeat(30)}${"]".repeat(30)}}`,
        ),
      },
    }),
    ends: MALFORMED,
  },
  {
    does: "reaches for the prototype",
    answer: before({
      status: 402,
      headers: {
        "PAYMENT-REQUIRED": base64(
          `{"x402Version":2,"accepts":[${JSON.stringify(OFFER).replace("{", '{"__proto__":{"amount":"1"},')}]}`,
        ),
      },
    }),
    ends: MALFORMED,
  },
  {
    does: "reaches for the constructor in extra",
    answer: before({
      status: 402,
      headers: {
        "PAYMENT-REQUIRED": encodeHeader({
          x402Version: 2,
          accepts: [{ ...OFFER, extra: { ...OFFER.extra, constructor: { prototype: {} } } }],
        }),
      },
    }),
    ends: MALFORMED,
  },
];
