import fc from "fast-check";
import { domainSeparator as viemDomainSeparator, hashTypedData } from "viem";
import { expect, test } from "vitest";
import { domainSeparator } from "../../src/evm/typed-data.ts";
import { bytesToHex } from "../../src/core/hex.ts";
import { TRANSFER_WITH_AUTHORIZATION_TYPES } from "../../src/evm/exact/client.ts";
import { authorizationDigest } from "../../src/evm/exact/payload.ts";
import { domain, payment } from "./arbitraries.ts";

test("the domain separator of any domain is viem's", () => {
  fc.assert(
    fc.property(domain, (value) => {
      expect(`0x${domainSeparator(value)}`).toBe(viemDomainSeparator({ domain: value }));
    }),
  );
});

test("the domain separator does not depend on the case of the contract, nor on what was asked before", () => {
  fc.assert(
    fc.property(domain, (value) => {
      const upper = `0x${value.verifyingContract.slice(2).toUpperCase()}` as const;
      expect(domainSeparator({ ...value, verifyingContract: upper })).toBe(domainSeparator(value));
    }),
  );
});

test("name and version do not run into each other", () => {
  const rest = { chainId: 1, verifyingContract: `0x${"00".repeat(20)}` as const };
  expect(domainSeparator({ name: "ab", version: "c", ...rest })).not.toBe(
    domainSeparator({ name: "a", version: "bc", ...rest }),
  );
});

test("separators stay right when there were more domains than the cache holds", () => {
  const domains = fc.sample(domain, 1500);
  const before = domains.slice(0, 10).map(domainSeparator);
  domains.forEach(domainSeparator);
  expect(domains.slice(0, 10).map(domainSeparator)).toEqual(before);
});

test("the digest of any authorization is viem's hashTypedData", () => {
  fc.assert(
    fc.property(payment, (value) => {
      const { payer: from, payTo: to, amount, validAfter, validBefore, nonce } = value;
      const expected = hashTypedData({
        domain: value.domain,
        types: TRANSFER_WITH_AUTHORIZATION_TYPES,
        primaryType: "TransferWithAuthorization",
        message: { from, to, value: amount, validAfter, validBefore, nonce },
      });
      expect(bytesToHex(authorizationDigest(value))).toBe(expected);
    }),
  );
});
