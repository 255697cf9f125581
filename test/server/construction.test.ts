import { describe, expect, test } from "vitest";
import { paymentMiddleware } from "../../src/adapters/hono.ts";
import { exactEvm } from "../../src/evm/index.ts";
import { createPaywall, httpFacilitator, type PaywallOptions } from "../../src/server/index.ts";
import { fakeFacilitator, NETWORK, PAY_TO } from "./world.ts";

const good: PaywallOptions = {
  facilitator: fakeFacilitator(),
  schemes: [exactEvm()],
  network: NETWORK,
  payTo: PAY_TO,
};
const { network: _, ...withoutNetwork } = good;
const { payTo: __, ...withoutPayTo } = good;

function expectTypeError(create: () => unknown, message: RegExp): void {
  expect(create).toThrow(TypeError);
  expect(create).toThrow(message);
}

describe("a route that cannot be charged is a TypeError that names the option", () => {
  test.each<[string, PaywallOptions, RegExp]>([
    ["no network", withoutNetwork, /network/],
    [
      "a network that is none",
      { ...good, network: "base-sepolia" },
      /network "base-sepolia".*CAIP-2/,
    ],
    ["a network without a known token", { ...good, network: "eip155:424242" }, /eip155:424242/],
    [
      "a network without a scheme",
      { ...good, network: "solana:devnet" },
      /scheme.*solana:devnet.*schemes/,
    ],
    ["no schemes", { ...good, schemes: [] }, /schemes/],
    ["no payTo", withoutPayTo, /payTo/],
    [
      "a payTo with a wrong checksum",
      { ...good, payTo: PAY_TO.replace("Bc", "bC") },
      /payTo.*checksum/,
    ],
    ["a name as payTo", { ...good, payTo: "vitalik.eth" }, /payTo/],
    ["a maxTimeoutSeconds of 0", { ...good, maxTimeoutSeconds: 0 }, /maxTimeoutSeconds/],
    [
      "a maxTimeoutSeconds with a fraction",
      { ...good, maxTimeoutSeconds: 1.5 },
      /maxTimeoutSeconds/,
    ],
  ])("%s", (_name, options, message) => {
    expectTypeError(() => createPaywall(options).route("$0.01"), message);
  });

  test.each<[string, RegExp]>([
    ["$0.0000001", /decimals/],
    ["$0", /price/],
    ["free", /amount "free"/],
    ["-1", /amount "-1"/],
    ["", /amount ""/],
  ])("a price of %j", (price, message) => {
    expectTypeError(() => createPaywall(good).route(price), message);
  });

  test("an empty list of offers", () => {
    expectTypeError(() => createPaywall(good).route([]), /accepts/);
  });

  test("one bad offer among good ones", () => {
    expectTypeError(
      () => createPaywall(good).route([{ price: "$1" }, { price: "$1", payTo: "0x1" }]),
      /payTo/,
    );
    expectTypeError(
      () => createPaywall(good).route([{ price: "$1" }, { price: "$1", scheme: "upto" }]),
      /scheme "upto"/,
    );
  });

  test("options of the route come before those of the paywall", () => {
    expectTypeError(() => createPaywall(good).route("$1", { payTo: "0x1" }), /payTo/);
    expect(() => createPaywall(withoutPayTo).route("$1", { payTo: PAY_TO })).not.toThrow();
  });
});

describe("a facilitator that cannot be used is a TypeError that names the option", () => {
  test.each([
    "",
    "not a url",
    "facilitator.example",
    "localhost:4021",
    "ftp://facilitator.example",
    "file:///etc/passwd",
  ])("%j", (facilitator) => {
    expectTypeError(() => createPaywall({ ...good, facilitator }), /facilitator/);
    expectTypeError(() => httpFacilitator(facilitator), /facilitator/);
  });

  test("none at all", () => {
    const { facilitator: ___, ...without } = good;
    expectTypeError(() => createPaywall(without as PaywallOptions), /facilitator/);
  });
});

describe("paymentMiddleware", () => {
  const accepts = { price: "$0.01" };
  test.each([
    "",
    "GET",
    "report",
    "GET report",
    "GET  ",
    "GET /a /b",
    "G3T /report",
    "https://shop.example/report",
  ])("the key %j is a TypeError that shows it", (key) => {
    expectTypeError(() => paymentMiddleware({ [key]: { accepts } }, good), /route "/);
  });

  test("a price that cannot be charged is a TypeError at once", () => {
    expectTypeError(
      () => paymentMiddleware({ "/report": { accepts: { price: "$0.0000001" } } }, good),
      /decimals/,
    );
  });
});
