/** Arbitrary valid messages of every schema, small enough for a header. */
import fc from "fast-check";
import { MAX_UINT256 } from "../../src/core/amount.ts";
import type { Network } from "../../src/core/network.ts";

const FORBIDDEN = /"(?:__proto__|constructor|prototype)":/;

/** JSON values as a peer may send them: no forbidden keys, no `-0`. */
export const json = fc
  .jsonValue({ maxDepth: 2, depthSize: "small" })
  .map((value) => JSON.stringify(value))
  .filter((text) => !FORBIDDEN.test(text))
  .map((text) => JSON.parse(text) as unknown);

const key = fc
  .string({ minLength: 1, maxLength: 12 })
  .filter((name) => !FORBIDDEN.test(`"${name}":`));
export const record = fc.dictionary(key, json, { maxKeys: 3, noNullPrototype: true });

const anyText = fc.string({ unit: "binary", maxLength: 40 });
const name = fc.string({ minLength: 1, maxLength: 40 });
const hexOf = (bytes: number) =>
  fc
    .uint8Array({ minLength: bytes, maxLength: bytes })
    .map((a) => `0x${Buffer.from(a).toString("hex")}`);

export const atomicAmount = fc.bigInt({ min: 0n, max: MAX_UINT256 }).map(String);
export const network: fc.Arbitrary<Network> = fc.oneof(
  fc.nat({ max: Number.MAX_SAFE_INTEGER }).map((id): Network => `eip155:${id}`),
  fc.constantFrom<Network>("solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp", "cosmos:cosmoshub-3"),
);
const seconds = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });

export const requirements = fc.record(
  {
    scheme: fc.oneof(fc.constant("exact"), name),
    network,
    amount: atomicAmount,
    asset: hexOf(20),
    payTo: hexOf(20),
    maxTimeoutSeconds: seconds,
    extra: record,
    futureField: json,
  },
  {
    requiredKeys: ["scheme", "network", "amount", "asset", "payTo", "maxTimeoutSeconds"],
    noNullPrototype: true,
  },
);

const resource = fc.record(
  {
    url: fc.webUrl(),
    description: anyText,
    mimeType: name,
    tags: fc.array(name, { maxLength: 3 }),
  },
  { requiredKeys: ["url"], noNullPrototype: true },
);

export const paymentRequired = fc.record(
  {
    x402Version: fc.constant(2 as const),
    error: anyText,
    resource,
    accepts: fc.array(requirements, { maxLength: 3 }),
    extensions: record,
  },
  { requiredKeys: ["x402Version", "accepts"], noNullPrototype: true },
);

export const paymentPayload = fc.record(
  {
    x402Version: fc.constant(2 as const),
    resource,
    accepted: requirements,
    payload: record,
    extensions: record,
  },
  { requiredKeys: ["x402Version", "accepted", "payload"], noNullPrototype: true },
);

export const verifyResponse = fc.record(
  {
    isValid: fc.boolean(),
    invalidReason: name,
    invalidMessage: anyText,
    payer: hexOf(20),
    extra: record,
  },
  { requiredKeys: ["isValid"], noNullPrototype: true },
);

export const settleResponse = fc.record(
  {
    success: fc.boolean(),
    transaction: fc.oneof(fc.constant(""), hexOf(32)),
    network,
    payer: hexOf(20),
    amount: atomicAmount,
    errorReason: name,
    errorMessage: anyText,
    extensions: record,
    extra: record,
  },
  { requiredKeys: ["success", "transaction", "network"], noNullPrototype: true },
);

export const facilitatorRequest = fc.record(
  { x402Version: fc.constant(2 as const), paymentPayload, paymentRequirements: requirements },
  { noNullPrototype: true },
);

export const requirementsV1 = fc.record(
  {
    scheme: name,
    network: fc.constantFrom("base", "base-sepolia", "ethereum", "polygon"),
    maxAmountRequired: atomicAmount,
    resource: fc.webUrl(),
    description: anyText,
    mimeType: name,
    outputSchema: record,
    payTo: hexOf(20),
    maxTimeoutSeconds: seconds,
    asset: hexOf(20),
    extra: record,
  },
  {
    requiredKeys: [
      "scheme",
      "network",
      "maxAmountRequired",
      "resource",
      "payTo",
      "maxTimeoutSeconds",
      "asset",
    ],
    noNullPrototype: true,
  },
);

export const paymentRequiredV1 = fc.record(
  {
    x402Version: fc.constant(1 as const),
    error: anyText,
    accepts: fc.array(requirementsV1, { maxLength: 3 }),
  },
  { requiredKeys: ["x402Version", "accepts"], noNullPrototype: true },
);

export const paymentPayloadV1 = fc.record(
  {
    x402Version: fc.constant(1 as const),
    scheme: name,
    network: fc.constantFrom("base", "base-sepolia", "ethereum", "polygon"),
    payload: record,
  },
  { noNullPrototype: true },
);
