import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatAmount } from "../../src/core/amount.ts";
import { exactEvm, type EvmAsset } from "../../src/evm/index.ts";
import { USDC } from "./arbitraries.ts";

const { price } = exactEvm();
const NETWORK = "eip155:84532";
const TOKEN = "0x1111111111111111111111111111111111111111";
const extra = { name: "Token", version: "1" };

test("a price in dollars is atomic units of the network's dollar token, exactly", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 1n, max: 10n ** 15n }), (atomic) => {
      const text = formatAmount(atomic, USDC.decimals);
      for (const form of [text, `$${text}`]) {
        expect(price(form, NETWORK)).toEqual({
          asset: USDC.address,
          amount: String(atomic),
          extra: { name: USDC.name, version: USDC.version },
        });
      }
    }),
  );
});

describe("a price in dollars is a TypeError", () => {
  test.each([
    ["$0.0000001", /decimals/],
    ["$0.0100001", /decimals/],
    ["$0", /nothing/],
    ["0.000000", /nothing/],
    ["-1", /plain decimal/],
    ["$-1", /plain decimal/],
    ["1e-2", /plain decimal/],
    ["$1e3", /plain decimal/],
    ["0x10", /plain decimal/],
    ["", /plain decimal/],
    ["$", /plain decimal/],
    ["1,000", /plain decimal/],
    ["0.01 USDC", /plain decimal/],
    ["NaN", /plain decimal/],
    ["Infinity", /plain decimal/],
  ])("%j", (text, message) => {
    expect(() => price(text, NETWORK)).toThrow(TypeError);
    expect(() => price(text, NETWORK)).toThrow(message);
  });

  test("on a network without a known dollar token", () => {
    expect(() => price("$1", "eip155:424242")).toThrow(/no known dollar token on eip155:424242/);
  });
});

describe("a price in atomic units", () => {
  test("of a known token needs no more", () => {
    expect(price({ amount: "5", asset: USDC.address.toLowerCase() }, NETWORK)).toEqual({
      asset: USDC.address,
      amount: "5",
      extra: { name: USDC.name, version: USDC.version },
    });
  });

  test("of another token needs its EIP-712 domain", () => {
    expect(price({ amount: "5", asset: TOKEN, extra }, NETWORK)).toEqual({
      asset: TOKEN,
      amount: "5",
      extra,
    });
    for (const incomplete of [
      undefined,
      {},
      { name: "Token" },
      { version: "1" },
      { name: 1, version: 2 },
    ]) {
      const create = () =>
        price({ amount: "5", asset: TOKEN, ...(incomplete && { extra: incomplete }) }, NETWORK);
      expect(create).toThrow(/EIP-712 name and version/);
    }
  });

  test("of a token given in the options is priced in dollars too", () => {
    const asset: EvmAsset = {
      network: "eip155:424242",
      address: TOKEN,
      symbol: "TST",
      decimals: 18,
      usd: true,
      ...extra,
    };
    const own = exactEvm({ assets: [asset] });
    expect(own.price("$0.5", "eip155:424242")).toEqual({
      asset: TOKEN,
      amount: "500000000000000000",
      extra,
    });
  });

  test("of a token that Permit2 moves needs no domain, and says so", () => {
    const asset: EvmAsset = {
      network: "eip155:424242",
      address: TOKEN,
      symbol: "TST",
      decimals: 18,
      usd: true,
      transfer: "permit2",
    };
    const own = exactEvm({ assets: [asset] });
    const byPermit2 = { assetTransferMethod: "permit2" };
    expect(own.price("$0.5", "eip155:424242").extra).toEqual(byPermit2);
    expect(own.price({ amount: "5", asset: TOKEN }, "eip155:424242").extra).toEqual(byPermit2);
    const unknown = price({ amount: "5", asset: TOKEN, extra: byPermit2 }, NETWORK);
    expect(unknown).toEqual({ asset: TOKEN, amount: "5", extra: byPermit2 });
  });

  test.each(["", "0", "-1", "1.5", "01", "1e3", "0x10", "$1", String(2n ** 256n)])(
    "%j is a TypeError",
    (amount) => {
      expect(() => price({ amount, asset: USDC.address }, NETWORK)).toThrow(TypeError);
    },
  );

  test.each(["", "USDC", "0x1", "0x036CbD53842c5426634e7929541eC2318f3dCF7E"])(
    "of asset %j is a TypeError",
    (asset) => {
      expect(() => price({ amount: "1", asset, extra }, NETWORK)).toThrow(/price\.asset/);
    },
  );
});
