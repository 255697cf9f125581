import fc from "fast-check";
import { getAddress } from "viem";
import { describe, expect, test } from "vitest";
import type { PaymentPayload, PaymentRequirements } from "../../src/core/messages.ts";
import {
  paymentFromV1,
  paymentToV1,
  requirementsFromV1,
  offersToV1,
} from "../../src/core/messages-v1.ts";
import { KNOWN_ASSETS } from "../../src/evm/assets.ts";
import { exactEvmFacilitator } from "../../src/evm/facilitator.ts";
import { exactEvm } from "../../src/evm/index.ts";
import {
  address,
  authorization,
  hexOf,
  NOW,
  paying,
  recased,
  requirements,
} from "./arbitraries.ts";

const facilitator = exactEvmFacilitator();
const server = exactEvm();

/** The key of a payment; the facilitator's and the server's are the same. */
function keyOf(payment: PaymentPayload, terms: PaymentRequirements): string {
  const checked = facilitator.check(payment, terms, NOW);
  if (!("payment" in checked)) throw new Error(checked.reason);
  const key = facilitator.paymentKey(checked.payment);
  expect(server.paymentKey(payment.payload, terms)).toBe(key);
  return key;
}

const addressForm = (hex: string) =>
  fc.constantFrom(hex.toLowerCase(), `0x${hex.slice(2).toUpperCase()}`, getAddress(hex));
const hexForm = (hex: string) =>
  fc.array(fc.boolean(), { minLength: 3, maxLength: 40 }).map((upper) => recased(hex, upper));
const signature = fc
  .constantFrom("00", "01", "1b", "1c", "")
  .map((v) => `0x${"11".repeat(64)}${v}`);

/** Another way to write the same payment. */
const spelling = (from: string, nonce: string) =>
  fc.record({
    from: addressForm(from),
    to: addressForm(authorization.to),
    nonce: hexForm(nonce),
    asset: addressForm(requirements.asset),
    payTo: addressForm(requirements.payTo),
    signature,
    backwards: fc.boolean(),
    v1: fc.boolean(),
  });

test("every way to write one payment has the same key", () => {
  const written = fc
    .tuple(address, hexOf(32))
    .chain(([from, nonce]) => fc.tuple(fc.constant({ from, nonce }), spelling(from, nonce)));
  fc.assert(
    fc.property(written, ([plain, form]) => {
      const terms = { ...requirements, asset: form.asset, payTo: form.payTo };
      let payment = paying(
        { from: form.from, to: form.to, nonce: form.nonce },
        terms,
        form.signature,
      );
      let accepted: PaymentRequirements = terms;
      if (form.backwards) {
        payment = JSON.parse(JSON.stringify(payment), (_, value: unknown) =>
          typeof value === "object" && value !== null && !Array.isArray(value)
            ? Object.fromEntries(Object.entries(value).toReversed())
            : value,
        ) as PaymentPayload;
      }
      if (form.v1) {
        accepted = requirementsFromV1(offersToV1([terms], { url: "https://example.com" })[0]!)!;
        payment = paymentFromV1(paymentToV1(payment.payload, accepted)!, accepted);
      }
      expect(keyOf(payment, accepted)).toBe(keyOf(paying(plain), requirements));
    }),
    { numRuns: 200 },
  );
});

describe("another payment has another key", () => {
  const original = keyOf(paying(), requirements);

  test("another nonce or payer", () => {
    fc.assert(
      fc.property(hexOf(32), address, (nonce, from) => {
        expect(keyOf(paying({ nonce }), requirements)).not.toBe(original);
        expect(keyOf(paying({ from }), requirements)).not.toBe(original);
      }),
    );
  });

  test("another token or chain", () => {
    const keys = KNOWN_ASSETS.map(({ network, address: asset, name, version }) => {
      const terms = { ...requirements, network, asset, extra: { name, version } };
      return keyOf(paying({}, terms), terms);
    });
    expect(new Set(keys).size).toBe(KNOWN_ASSETS.length);
    const sameToken = KNOWN_ASSETS.map(({ network }) =>
      server.paymentKey(paying().payload, { ...requirements, network }),
    );
    expect(new Set(sameToken).size).toBe(KNOWN_ASSETS.length);
  });
});

test("amount, recipient and times do not make another payment: the token would take the nonce once only", () => {
  const key = server.paymentKey(paying().payload, requirements);
  for (const change of [
    { value: "1" },
    { to: `0x${"c2".repeat(20)}` },
    { validAfter: "1" },
    { validBefore: "9" },
  ]) {
    expect(server.paymentKey(paying(change).payload, requirements)).toBe(key);
  }
});

test("a malformed payload has no key, and nothing is thrown", () => {
  fc.assert(
    fc.property(
      fc.jsonValue({ maxDepth: 3 }),
      fc.dictionary(fc.string(), fc.jsonValue()),
      (value, payload) => {
        expect(server.paymentKey(payload, requirements)).toBeUndefined();
        expect(
          server.paymentKey({ ...paying().payload, authorization: value }, requirements),
        ).toBeUndefined();
      },
    ),
  );
});
