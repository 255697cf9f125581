import { encodeFunctionData, parseEther, parseUnits, type Hex } from "viem";
import { localUsdcAbi } from "../../contracts-abi/local/local-usdc.ts";
import { MULTICALL3_ADDRESS, multicall3Abi } from "../../contracts-abi/multicall3.ts";
import { startLocalWorld, type LocalWorld } from "../../src/testing/index.ts";
import { payeeAddress, PAYEES, payerAddress, PAYERS } from "./payments.ts";

/** Far above what anybody settles in a second: what binds is not to be the local chain's gas limit. */
const BLOCK_GAS = 3_000_000_000;

let recipients: readonly Hex[] | undefined;

/** A fresh chain on which all payers have money, all payees have a little (or a first payment costs more gas). */
export async function startWorld(blockTimeSeconds: number): Promise<LocalWorld> {
  const args = ["--gas-limit", `${BLOCK_GAS}`, "--prune-history", "64"];
  const world = await startLocalWorld({ blockTimeSeconds, args });
  const { client, accounts, token } = world;
  await client.setBalance({
    address: accounts.facilitator.address,
    value: parseEther("1000000"),
  });
  recipients ??= [
    ...Array.from({ length: PAYERS }, (_, index) => payerAddress(index)),
    ...Array.from({ length: PAYEES }, (_, index) => payeeAddress(index)),
  ];
  const calls = recipients.map((to) => ({
    target: token,
    allowFailure: false,
    callData: encodeFunctionData({
      abi: localUsdcAbi,
      functionName: "mint",
      args: [to, parseUnits("1000000", 6)],
    }),
  }));
  const hash = await client.sendTransaction({
    account: accounts.deployer.account,
    to: MULTICALL3_ADDRESS,
    gas: 16_000_000n,
    data: encodeFunctionData({ abi: multicall3Abi, functionName: "aggregate3", args: [calls] }),
  });
  const { status } = await client.waitForTransactionReceipt({ hash });
  if (status !== "success") throw new Error("the payers were not funded");
  return world;
}
