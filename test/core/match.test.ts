import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findAcceptedOffer } from "../../src/core/match.ts";
import type { PaymentPayload, PaymentRequirements } from "../../src/core/messages.ts";
import { json, record, requirements } from "./arbitraries.ts";

const offer: PaymentRequirements = {
  scheme: "exact",
  network: "eip155:84532",
  amount: "10000",
  asset: "0x036CbD53842c5426634e7929541eC2318f3dCF7e",
  payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C",
  maxTimeoutSeconds: 300,
  extra: { name: "USDC", version: "2" },
};

const accepting = (accepted: PaymentRequirements): PaymentPayload => ({
  x402Version: 2,
  accepted,
  payload: {},
});
const matches = (accepted: PaymentRequirements, offers = [offer]) =>
  findAcceptedOffer(accepting(accepted), offers);

describe("a payment accepts an offer", () => {
  test("when it repeats it, whatever else is offered", () => {
    fc.assert(
      fc.property(
        fc.array(requirements, { minLength: 1, maxLength: 4 }),
        fc.nat(),
        (offers, at) => {
          const chosen = offers[at % offers.length]!;
          expect(matches(structuredClone(chosen), offers)).toEqual(chosen);
        },
      ),
    );
  });

  test("whatever the order of its keys", () => {
    fc.assert(
      fc.property(requirements, (chosen) => {
        const backwards = Object.fromEntries(
          Object.entries(chosen).toReversed(),
        ) as unknown as PaymentRequirements;
        expect(matches(backwards, [chosen])).toBe(chosen);
      }),
    );
  });

  test("when its extra holds more than was offered", () => {
    fc.assert(
      fc.property(requirements, record, (chosen, more) => {
        expect(matches({ ...chosen, extra: { ...more, ...chosen.extra } }, [chosen])).toBe(chosen);
      }),
    );
    expect(matches({ ...offer, extra: { ...offer.extra, nested: { a: 1, b: 2 } } })).toBe(offer);
  });

  test("the very same one, where another is offered with less", () => {
    const upfront = { ...offer, extra: { ...offer.extra, paymentFlow: "upfront" } };
    for (const offers of [
      [offer, upfront],
      [upfront, offer],
    ]) {
      expect(matches(structuredClone(upfront), offers)).toBe(upfront);
      expect(matches(structuredClone(offer), offers)).toBe(offer);
    }
  });

  test("as the same object that was offered, so that nothing of the payment is used as terms", () => {
    expect(matches(structuredClone(offer))).toBe(offer);
  });
});

describe("a payment accepts no offer", () => {
  test("when any field is changed to anything else", () => {
    const field = fc.constantFrom(
      "scheme",
      "network",
      "amount",
      "asset",
      "payTo",
      "maxTimeoutSeconds",
    );
    fc.assert(
      fc.property(field, json, (name, value) => {
        fc.pre(value !== offer[name]);
        expect(matches({ ...offer, [name]: value })).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });

  test("when a field is left out or added", () => {
    fc.assert(
      fc.property(requirements, fc.nat(), json, (chosen, at, value) => {
        const names = Object.keys(chosen).filter((name) => name !== "extra");
        const { [names[at % names.length] as "amount"]: _, ...less } = chosen;
        expect(matches(less as PaymentRequirements, [chosen])).toBeUndefined();
        expect(matches({ ...chosen, unheardOf: value }, [chosen])).toBeUndefined();
      }),
    );
  });

  test.each([
    ["address in lower case", { payTo: offer.payTo.toLowerCase() }],
    ["asset in lower case", { asset: offer.asset.toLowerCase() }],
    ["smaller amount", { amount: "9999" }],
    ["larger amount", { amount: "10001" }],
    ["padded amount", { amount: "010000" }],
    ["amount as a number", { amount: 10_000 }],
    ["timeout as text", { maxTimeoutSeconds: "300" }],
    ["extra left out", { extra: undefined }],
    ["extra with another value", { extra: { name: "USD Coin", version: "2" } }],
    ["extra with less", { extra: { name: "USDC" } }],
    ["extra as a list", { extra: ["USDC", "2"] }],
  ])("%s", (_, change) => {
    expect(matches({ ...offer, ...change } as unknown as PaymentRequirements)).toBeUndefined();
  });

  test("when a nested extra is incomplete, of another type or only inherited", () => {
    const nested = { ...offer, extra: { terms: { a: 1 }, list: [1, 2] } };
    for (const extra of [
      { terms: {}, list: [1, 2] },
      { terms: { a: "1" }, list: [1, 2] },
      { terms: { a: 1 }, list: [2, 1] },
      { terms: { a: 1 }, list: [1, 2, 3] },
      { terms: { a: 1 } },
    ]) {
      expect(matches({ ...nested, extra }, [nested])).toBeUndefined();
    }
    const inherited = { ...offer, extra: { toString: "x" } };
    expect(matches({ ...offer, extra: {} }, [inherited])).toBeUndefined();
  });
});

test("a null extra, as Python peers send it, is no extra", () => {
  const { extra: _, ...plain } = offer;
  expect(matches({ ...plain, extra: undefined }, [plain])).toBe(plain);
});
