import { createWalletClient, custom, http } from "viem";
import { toAccount } from "viem/accounts";
import { baseSepolia } from "viem/chains";
import { describe, expect, test } from "vitest";
import { exactEvmFacilitator } from "../../src/evm/facilitator.ts";
import { exactEvm, type EvmSigner } from "../../src/evm/index.ts";
import { NOW, payer, requirements } from "./arbitraries.ts";

const context = { nowSeconds: NOW, lifetimeSeconds: 120, x402Version: 2 } as const;

/** Signs with it, and has the facilitator look at the signature. */
async function expectToSign(account: NonNullable<Parameters<typeof exactEvm>[0]>["account"]) {
  const payload = await exactEvm({ account: account! }).createPayload(requirements, context);
  expect(payload["authorization"]).toMatchObject({ from: payer.address });
  const scheme = exactEvmFacilitator();
  const message = { x402Version: 2, accepted: requirements, payload } as const;
  const checked = scheme.check(message, requirements, NOW);
  if (!("payment" in checked)) throw new Error(checked.reason);
  const noChain = {
    call: () => Promise.reject(new Error()),
    code: () => Promise.reject(new Error()),
  };
  expect(await scheme.verifySignature(checked.payment, noChain)).toBeUndefined();
}

describe("a payment is signed by", () => {
  const transport = http("http://127.0.0.1:1");

  test("a viem account", () => expectToSign(payer));

  test("a viem custom account", async () => {
    const { address, signMessage, signTransaction, signTypedData } = payer;
    await expectToSign(toAccount({ address, signMessage, signTransaction, signTypedData }));
  });

  test("a viem wallet client with a local account", () =>
    expectToSign(createWalletClient({ account: payer, chain: baseSepolia, transport })));

  test("a viem wallet client whose account is elsewhere, over JSON-RPC", async () => {
    const asked: string[] = [];
    const provider = {
      async request({ method, params }: { method: string; params: unknown[] }) {
        asked.push(method);
        expect(params[0]).toBe(payer.address);
        return await payer.signTypedData(JSON.parse(String(params[1])) as never);
      },
    };
    const wallet = createWalletClient({
      account: payer.address,
      chain: baseSepolia,
      transport: custom(provider),
    });
    await expectToSign(wallet);
    expect(asked).toEqual(["eth_signTypedData_v4"]);
  });

  test("a bare object, called as its method, with its address in any case", async () => {
    const signer = {
      key: payer,
      address: payer.address.toLowerCase() as `0x${string}`,
      signTypedData(typedData: Parameters<EvmSigner["signTypedData"]>[0]) {
        return this.key.signTypedData(typedData);
      },
    };
    await expectToSign(signer);
  });
});

describe("at construction it is said that an account cannot sign:", () => {
  const KEY = `0x${"42".repeat(32)}`;
  const signTypedData = () => Promise.resolve("0x");
  test.each<[string, unknown]>([
    [
      "a wallet client without an account",
      createWalletClient({ chain: baseSepolia, transport: http("http://127.0.0.1:1") }),
    ],
    ["an account of a node alone", { address: payer.address, type: "json-rpc" }],
    ["an address alone", payer.address],
    ["a private key", KEY],
    ["no address", { signTypedData }],
    ["an address that is none", { address: "0x12", signTypedData }],
    [
      "an address with a wrong checksum",
      { address: payer.address.replace(/[a-f]/, (c) => c.toUpperCase()), signTypedData },
    ],
    [
      "a signer of ethers",
      {
        address: payer.address,
        signTypedData: (_domain: unknown, _types: unknown, _value: unknown) => "",
      },
    ],
    ["signTypedData that is no function", { address: payer.address, signTypedData: KEY }],
  ])("%s", (_, account) => {
    const make = () => exactEvm({ account: account as EvmSigner });
    expect(make).toThrow(TypeError);
    expect(make).toThrow(/give a viem account with its key, a wallet client with an account/);
    try {
      make();
    } catch (error) {
      expect(String(error)).not.toContain(KEY);
    }
  });

  test("but not without an account: sellers need none", () => {
    expect(exactEvm().excludes?.({ payload: {}, ...requirements }, requirements)).toBe(false);
    expect(exactEvm().fate).toBeUndefined();
  });
});
