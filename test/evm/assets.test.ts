import { getAddress } from "viem";
import { describe, expect, test } from "vitest";
import { isNetwork } from "../../src/core/network.ts";
import { findAsset, KNOWN_ASSETS } from "../../src/evm/assets.ts";
import { exactEvm, TESTNETS } from "../../src/evm/index.ts";
import {
  LOCAL_TOKEN_ADDRESS,
  LOCAL_TOKEN_NAME,
  LOCAL_TOKEN_VERSION,
} from "../../src/testing/index.ts";

describe.each(KNOWN_ASSETS)("$symbol on $network", (asset) => {
  test("has an address with the right checksum, on a canonical network", () => {
    expect(asset.address).toBe(getAddress(asset.address));
    expect(isNetwork(asset.network)).toBe(true);
  });

  test("is found in any case, on its own network only", () => {
    for (const text of [
      asset.address,
      asset.address.toLowerCase(),
      `0x${asset.address.slice(2).toUpperCase()}`,
    ]) {
      expect(findAsset(KNOWN_ASSETS, asset.network, text)).toBe(asset);
    }
    expect(findAsset(KNOWN_ASSETS, "eip155:424242", asset.address)).toBeUndefined();
  });

  test("is what a dollar costs there", () => {
    const { address, name, version, decimals } = asset;
    expect(exactEvm().price("$1", asset.network)).toEqual({
      asset: address,
      amount: `1${"0".repeat(decimals)}`,
      extra: { name, version },
    });
  });
});

test("no token is listed twice, and every network has one dollar token", () => {
  const ids = KNOWN_ASSETS.map(({ network, address }) => `${network} ${address.toLowerCase()}`);
  expect(new Set(ids).size).toBe(KNOWN_ASSETS.length);
  const dollars = KNOWN_ASSETS.filter(({ usd }) => usd).map(({ network }) => network);
  expect(new Set(dollars).size).toBe(dollars.length);
  expect(new Set(dollars)).toEqual(new Set(KNOWN_ASSETS.map(({ network }) => network)));
});

test("the EIP-712 name is USD Coin on Base and Ethereum, and USDC on Base Sepolia", () => {
  const nameOn = (network: string) => KNOWN_ASSETS.find((asset) => asset.network === network)?.name;
  expect(nameOn("eip155:8453")).toBe("USD Coin");
  expect(nameOn("eip155:1")).toBe("USD Coin");
  expect(nameOn("eip155:84532")).toBe("USDC");
});

test("the local token of the tests is the one of Base Sepolia", () => {
  expect(findAsset(KNOWN_ASSETS, "eip155:84532", LOCAL_TOKEN_ADDRESS)).toMatchObject({
    name: LOCAL_TOKEN_NAME,
    version: LOCAL_TOKEN_VERSION,
  });
});

test("mainnets are not called testnets", () => {
  for (const network of [
    "eip155:1",
    "eip155:8453",
    "eip155:137",
    "eip155:42161",
    "eip155:43114",
  ] as const) {
    expect(TESTNETS.has(network)).toBe(false);
  }
  expect(TESTNETS.has("eip155:84532")).toBe(true);
});
