import fc from "fast-check";
import { expect, test } from "vitest";
import { evmChainId, isNetwork, networkFamily } from "../../src/core/network.ts";

test("every safe integer in canonical form is an EVM network", () => {
  fc.assert(
    fc.property(fc.nat({ max: Number.MAX_SAFE_INTEGER }), (id) => {
      expect(evmChainId(`eip155:${id}`)).toBe(id);
      expect(isNetwork(`eip155:${id}`)).toBe(true);
      expect(networkFamily(`eip155:${id}`)).toBe("eip155");
    }),
  );
});

test("two texts never name the same EVM chain", () => {
  const reference = fc.stringMatching(/^[-+ 0x]{0,2}[0-9]{1,20}[.e\n ]?$/);
  fc.assert(
    fc.property(reference, (text) => {
      const id = evmChainId(`eip155:${text}`);
      if (id !== undefined) expect(String(id)).toBe(text);
    }),
    { numRuns: 1000 },
  );
});

test.each([
  "eip155:",
  "eip155:01",
  "eip155:-1",
  "eip155:+1",
  "eip155:1.0",
  "eip155:0x1",
  "eip155:1e3",
  "eip155: 1",
  "eip155:1\n",
  "eip155:9007199254740992",
  "eip155:99999999999999999999",
  "eip155",
  "EIP155:1",
  ":1",
  "1",
  "",
  "eip155:1:2",
  "ab:1",
  "toolongname:1",
  "base-sepolia",
  "solana:",
  `solana:${"x".repeat(33)}`,
  "sol ana:x",
  "solana:x/y",
])("%j is no network", (text) => {
  expect(isNetwork(text)).toBe(false);
});

test.each([
  "eip155:0",
  "eip155:9007199254740991",
  "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp",
  "cosmos:cosmoshub-3",
  "bip122:a_B-1",
])("%j is a network", (text) => {
  expect(isNetwork(text)).toBe(true);
});

test("another family has no EVM chain id", () => {
  expect(evmChainId("solana:1")).toBeUndefined();
  expect(networkFamily("solana:1")).toBe("solana");
});
