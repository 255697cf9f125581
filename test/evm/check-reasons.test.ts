import { describe, expect, test } from "vitest";
import type { PaymentPayload, PaymentRequirements } from "../../src/core/messages.ts";
import type { Reason } from "../../src/core/reasons.ts";
import { exactEvmFacilitator } from "../../src/evm/facilitator.ts";
import {
  authorization,
  NOW,
  payer,
  paying,
  requirements,
  USDC,
  type WireAuthorization,
} from "./arbitraries.ts";

const scheme = exactEvmFacilitator();

/** What is wrong with a payment. */
interface Fault {
  /** In the requirements, and in what the payment accepts of them. */
  terms?: Partial<PaymentRequirements>;
  /** In what the payment accepts only. */
  accepted?: Partial<PaymentRequirements>;
  authorization?: Partial<WireAuthorization>;
  payload?: Record<string, unknown>;
}

function check(...faults: Fault[]): Reason | "ok" {
  const merge = (pick: (fault: Fault) => object | undefined): object =>
    Object.assign({}, ...faults.map(pick)) as object;
  const terms = { ...requirements, ...merge((fault) => fault.terms) };
  const payment = paying(
    merge((fault) => fault.authorization),
    { ...terms, ...merge((fault) => fault.accepted) },
  );
  const payload: PaymentPayload = {
    ...payment,
    payload: { ...payment.payload, ...merge((fault) => fault.payload) },
  };
  const checked = scheme.check(payload, terms, NOW);
  return "payment" in checked ? "ok" : checked.reason;
}

/** Every reason of the static checks with a payment that has it, in the order of wire.md where that names one. */
const ORDERED: readonly (readonly [Reason, Fault])[] = [
  ["invalid_exact_evm_scheme", { accepted: { scheme: "upto" } }],
  ["invalid_exact_evm_missing_eip712_domain", { terms: { extra: {} } }],
  ["invalid_exact_evm_network_mismatch", { accepted: { network: "eip155:8453" } }],
  ["invalid_exact_evm_recipient_mismatch", { authorization: { to: `0x${"c2".repeat(20)}` } }],
  [
    "invalid_exact_evm_payload_authorization_valid_before",
    { authorization: { validBefore: String(NOW + 5) } },
  ],
  [
    "invalid_exact_evm_payload_authorization_valid_after",
    { authorization: { validAfter: String(NOW) } },
  ],
  ["invalid_exact_evm_payload_authorization_value_mismatch", { authorization: { value: "10001" } }],
];

test("a right payment passes", () => {
  expect(check()).toBe("ok");
});

describe("one fault gives its reason", () => {
  test.each(ORDERED)("%s", (reason, fault) => {
    expect(check(fault)).toBe(reason);
  });

  test.each<[Reason, string, Fault]>([
    ["invalid_network", "a network of another family", { terms: { network: "solana:devnet" } }],
    ["invalid_payment_requirements", "an asset that is no address", { terms: { asset: "USDC" } }],
    [
      "invalid_payment_requirements",
      "a payTo with a wrong checksum",
      { terms: { payTo: USDC.address.replace("CbD", "cbD") } },
    ],
    [
      "unsupported_asset",
      "a token that is not listed",
      { terms: { asset: `0x${"c2".repeat(20)}` } },
    ],
    [
      "unsupported_asset",
      "a listed token on another network",
      { terms: { network: "eip155:8453" } },
    ],
    ["invalid_exact_evm_missing_eip712_domain", "no extra", { terms: { extra: undefined } }],
    [
      "invalid_exact_evm_missing_eip712_domain",
      "no version",
      { terms: { extra: { name: "USDC" } } },
    ],
    [
      "invalid_exact_evm_missing_eip712_domain",
      "a version that is a number",
      { terms: { extra: { name: "USDC", version: 2 } } },
    ],
    [
      "invalid_exact_evm_token_name_mismatch",
      "another name",
      { terms: { extra: { name: "USD Coin", version: "2" } } },
    ],
    [
      "invalid_exact_evm_token_version_mismatch",
      "another version",
      { terms: { extra: { name: "USDC", version: "1" } } },
    ],
    [
      "authorization_lifetime_too_long",
      "a day of validity",
      { authorization: { validBefore: String(NOW + 86_400) } },
    ],
    [
      "invalid_exact_evm_payload_authorization_value_mismatch",
      "less",
      { authorization: { value: "9999" } },
    ],
    [
      "invalid_exact_evm_payload_authorization_value_mismatch",
      "nothing",
      { authorization: { value: "0" } },
    ],
  ])("%s: %s", (reason, _, fault) => {
    expect(check(fault)).toBe(reason);
  });
});

describe("of two faults the first in the order is told", () => {
  const pairs = ORDERED.flatMap(([reason, fault], i) =>
    ORDERED.slice(i + 1).flatMap(([later, other]) =>
      later === reason ? [] : [[reason, later, fault, other] as const],
    ),
  );
  test.each(pairs)("%s before %s", (reason, _, fault, other) => {
    expect(check(fault, other)).toBe(reason);
  });
});

describe("invalid_payload", () => {
  const permit2 = {
    from: payer.address,
    permitted: {},
    spender: "0x",
    nonce: "1",
    deadline: "1",
    witness: {},
  };
  test.each<[string, Record<string, unknown>]>([
    ["no authorization", { authorization: undefined }],
    ["authorization as text", { authorization: "x" }],
    ["no signature", { signature: undefined }],
    ["signature that is not hex", { signature: `0x${"zz".repeat(65)}` }],
    ["signature of half a byte", { signature: `0x${"1".repeat(129)}` }],
    ["signature without 0x", { signature: "11".repeat(65) }],
    ["signature of 2049 bytes", { signature: `0x${"11".repeat(2049)}` }],
    ["Permit2", { authorization: undefined, permit2Authorization: permit2 }],
    ["EIP-3009 and Permit2 at once", { permit2Authorization: permit2 }],
  ])("%s", (_, payload) => {
    expect(check({ payload })).toBe("invalid_payload");
  });

  test.each<[keyof WireAuthorization, readonly unknown[]]>([
    [
      "from",
      [
        "",
        "0x",
        `0x${"11".repeat(19)}`,
        `0x${"11".repeat(32)}`,
        USDC.address.replace("CbD", "cbD"),
        null,
        1,
      ],
    ],
    ["to", ["", `0x${"11".repeat(21)}`, null]],
    ["value", ["", "-1", "01", "1e3", "0x10", "1.0", " 1", String(2n ** 256n), 10_000, null]],
    ["validAfter", ["", "-1", "00", "0x0", "1.5", 0, null]],
    ["validBefore", ["", "-1", "1e10", String(2n ** 256n), NOW + 300, null]],
    ["nonce", ["", "0x", `0x${"11".repeat(31)}`, `0x${"11".repeat(33)}`, "11".repeat(32), 7, null]],
  ])("authorization.%s", (field, values) => {
    for (const value of values) {
      expect(
        check({ payload: { authorization: { ...authorization, [field]: value } } }),
        String(value),
      ).toBe("invalid_payload");
    }
  });
});

test("the payer is named as soon as it is known", () => {
  const checked = scheme.check(paying({ value: "1" }), requirements, NOW);
  expect(checked).toMatchObject({ payer: payer.address.toLowerCase() });
});
