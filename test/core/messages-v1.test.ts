import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { PaymentRequirements } from "../../src/core/messages.ts";
import {
  facilitatorRequestFromV1,
  findOfferV1,
  networkFromV1,
  networkToV1,
  offersToV1,
  paymentFromV1,
  paymentToV1,
  requirementsFromV1,
} from "../../src/core/messages-v1.ts";
import { record, requirements, requirementsV1 } from "./arbitraries.ts";

/** Network names of wire.md, "Messages, v1". */
const NETWORKS: readonly [string, number][] = [
  ["ethereum", 1],
  ["sepolia", 11155111],
  ["base", 8453],
  ["base-sepolia", 84532],
  ["avalanche", 43114],
  ["avalanche-fuji", 43113],
  ["polygon", 137],
  ["polygon-amoy", 80002],
  ["abstract", 2741],
  ["abstract-testnet", 11124],
  ["iotex", 4689],
  ["sei", 1329],
  ["sei-testnet", 1328],
  ["peaq", 3338],
  ["story", 1514],
  ["educhain", 41923],
  ["skale-base-sepolia", 324705682],
  ["megaeth", 4326],
  ["monad", 143],
  ["stable", 988],
  ["stable-testnet", 2201],
  ["celo", 42220],
  ["flare", 14],
];

const v1Network = fc.constantFrom(...NETWORKS.map(([, id]): `eip155:${number}` => `eip155:${id}`));
const v2Requirements: fc.Arbitrary<PaymentRequirements> = fc
  .tuple(requirements, v1Network)
  .map(([{ futureField: _future, ...rest }, network]) => ({ ...rest, network }));
const resource = {
  url: "https://example.com/report",
  description: "A report",
  mimeType: "text/plain",
};

describe("network names", () => {
  test.each(NETWORKS)("%s is eip155:%i, both ways", (name, id) => {
    expect(networkFromV1(name)).toBe(`eip155:${id}`);
    expect(networkToV1(`eip155:${id}`)).toBe(name);
  });

  test("are one to one", () => {
    expect(new Set(NETWORKS.map(([name]) => networkFromV1(name))).size).toBe(NETWORKS.length);
  });

  test.each([
    "",
    "Base",
    "base ",
    "eip155:8453",
    "solana",
    "toString",
    "__proto__",
    "constructor",
    "hasOwnProperty",
  ])("%j is none", (name) => {
    expect(networkFromV1(name)).toBeUndefined();
  });

  test.each(["eip155:2", "eip155:08453", "base", "solana:8453", ""])("%j has none", (network) => {
    expect(networkToV1(network)).toBeUndefined();
  });
});

describe("conversion", () => {
  test("v2 requirements to v1 and back", () => {
    fc.assert(
      fc.property(v2Requirements, (original) => {
        const [offer] = offersToV1([original], resource);
        expect(requirementsFromV1(offer!)).toEqual(original);
      }),
    );
  });

  test("v1 requirements to v2 and back keep what both versions have", () => {
    fc.assert(
      fc.property(requirementsV1, (original) => {
        const { outputSchema: _, ...kept } = original;
        const [offer] = offersToV1([requirementsFromV1(original)!], {
          url: original.resource,
          ...(original.description !== undefined && { description: original.description }),
          ...(original.mimeType !== undefined && { mimeType: original.mimeType }),
        });
        expect(offer).toEqual({ description: "", mimeType: "", ...kept });
      }),
    );
  });

  test("payments to v1 and back", () => {
    fc.assert(
      fc.property(v2Requirements, record, (accepted, payload) => {
        const payment = paymentToV1(payload, accepted)!;
        expect(payment).toMatchObject({
          x402Version: 1,
          scheme: accepted.scheme,
          network: networkToV1(accepted.network),
        });
        expect(paymentFromV1(payment, accepted)).toEqual({ x402Version: 2, accepted, payload });
      }),
    );
  });

  test("a network without a v1 name is left out", () => {
    fc.assert(
      fc.property(v2Requirements, (known) => {
        const unknown = { ...known, network: "eip155:2" as const };
        expect(offersToV1([unknown], resource)).toEqual([]);
        expect(offersToV1([unknown, known], resource)).toHaveLength(1);
        expect(paymentToV1({}, unknown)).toBeUndefined();
        expect(
          requirementsFromV1({ ...offersToV1([known], resource)[0]!, network: "nowhere" }),
        ).toBeUndefined();
      }),
      { numRuns: 20 },
    );
  });
});

test("of several offers with one scheme and network, v1 advertises the first, and a v1 payment is for that one", () => {
  fc.assert(
    fc.property(
      fc.array(v2Requirements, { minLength: 1, maxLength: 6 }),
      fc.nat(),
      (offers, at) => {
        const advertised = offersToV1(offers, resource);
        const pairs = advertised.map(({ scheme, network }) => JSON.stringify([scheme, network]));
        expect(new Set(pairs).size).toBe(pairs.length);
        const chosen = advertised[at % advertised.length]!;
        const payment = {
          x402Version: 1 as const,
          scheme: chosen.scheme,
          network: chosen.network,
          payload: {},
        };
        expect(findOfferV1(payment, offers)).toMatchObject({
          amount: chosen.maxAmountRequired,
          payTo: chosen.payTo,
        });
      },
    ),
  );
});

test("a v1 payment of an unknown network or scheme is for no offer", () => {
  const [offers] = fc.sample(fc.array(v2Requirements, { minLength: 3, maxLength: 3 }), 1);
  const payment = { x402Version: 1 as const, scheme: "exact", network: "nowhere", payload: {} };
  expect(findOfferV1(payment, offers!)).toBeUndefined();
  expect(
    findOfferV1({ ...payment, network: "base", scheme: "no such scheme" }, offers!),
  ).toBeUndefined();
});

test("a payment that names another scheme or network than its requirements stays visible in the v2 request", () => {
  const [paymentRequirements] = fc.sample(requirementsV1, 1);
  const request = facilitatorRequestFromV1({
    x402Version: 1,
    paymentPayload: { x402Version: 1, scheme: "other", network: "celo", payload: {} },
    paymentRequirements: { ...paymentRequirements!, network: "base" },
  });
  expect(request?.paymentPayload.accepted).toMatchObject({
    scheme: "other",
    network: "eip155:42220",
  });
  expect(request?.paymentRequirements).toMatchObject({
    scheme: paymentRequirements!.scheme,
    network: "eip155:8453",
  });
});
