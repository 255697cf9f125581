import { expect, test } from "vitest";
import { loadConfig } from "../../facilitator/config.ts";

const env = {
  EVM_NETWORK: "eip155:84532",
  EVM_RPC_URL: "http://127.0.0.1:8545",
  EVM_PRIVATE_KEY: `0x${"42".repeat(32)}`,
};
const factory = "0x0ba5ed0c6aa8c49038f819e587e2633c4a9f428a";

test.each([
  ["ERC6492_FACTORIES", "0x12"],
  ["ERC6492_FACTORIES", `${factory}:0x12`],
  ["ERC6492_FACTORIES", "0x036CbD53842c5426634e7929541eC2318f3dCF7E"],
  ["ERC7710_MANAGERS", `${factory}:0x12345678`],
  ["ERC7710_MANAGERS", `${factory},`],
  ["WALLET_GAS_BUDGET", "-1"],
])("%s of %s is a mistake", (name, value) => {
  expect(() => loadConfig({ ...env, [name]: value })).toThrow(new RegExp(name));
});

test("without a word about smart wallets no factory is called", () => {
  const config = loadConfig(env);
  expect(config.erc6492Factories).toEqual([]);
  expect(config.walletGasBudget).toBeUndefined();
});

test("factories come with or without their functions, managers as they are, budgets are amounts of gas", () => {
  const config = loadConfig({
    ...env,
    ERC6492_FACTORIES: `${factory}, ${factory}:0x3ffba36f:0x12345678`,
    ERC7710_MANAGERS: factory,
    WALLET_GAS_BUDGET: "1000000",
  });
  expect(config.erc6492Factories).toEqual([
    { address: factory },
    { address: factory, selectors: ["0x3ffba36f", "0x12345678"] },
  ]);
  expect(config.erc7710Managers).toEqual([factory]);
  expect(config.walletGasBudget).toBe(1_000_000n);
});
