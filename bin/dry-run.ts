/** `farthing pay --dry-run`: what would be signed. Nothing is signed, sent or written down. */
import { existsSync } from "node:fs";
import { memorySpendStore, type SpendStore } from "../src/client/index.ts";
import { fileSpendStore } from "../src/client/file-spend-store.ts";
import type { EvmSigner } from "../src/evm/index.ts";
import { openAddress, type KeyOptions } from "./key.ts";
import { escaped, print, printJson, tokens } from "./text.ts";

export type TypedData = Parameters<EvmSigner["signTypedData"]>[0];

/** An account that shows what it is asked to sign, and does not sign it. */
export async function dryAccount(
  options: KeyOptions,
  see: (typedData: TypedData) => void,
): Promise<EvmSigner> {
  return {
    address: (await openAddress(options)) ?? "0x0000000000000000000000000000000000000000",
    signTypedData(typedData) {
      see(typedData);
      return Promise.reject(new Error("dry run"));
    },
  };
}

/** What was spent counts; nothing is added to it, and no earlier payment is presented. */
export function dryStore(path: string): SpendStore {
  const { spent } = existsSync(path) ? fileSpendStore(path) : memorySpendStore();
  return {
    spent,
    async reserve({ unit, value, atMs }, limits) {
      for (const limit of limits) {
        const sum = await spent(limit.scope, unit, atMs, limit.windowSeconds);
        if (limit.unit === unit && sum + value > limit.max) return { limit, spent: sum };
      }
      return undefined;
    },
    update: async () => true,
    take: async () => undefined,
    list: async () => [],
  };
}

export function reportDryRun(typedData: TypedData, isJson: boolean): void {
  const { network, asset, payTo, amount } = termsOf(typedData);
  if (isJson) {
    printJson({ dryRun: true, network, asset, payTo, amount: amount.toString(), typedData });
    return;
  }
  print(
    `Would pay ${tokens(amount, network, asset)} on ${escaped(network)} to ${payTo}.\nWould sign:\n`,
  );
  printJson(typedData);
}

/** What a signature pays, by EIP-3009 or by Permit2. */
function termsOf({ domain, message, primaryType }: TypedData) {
  const network = `eip155:${domain.chainId}`;
  if (primaryType === "TransferWithAuthorization") {
    const { to: payTo, value: amount } = message as { to: string; value: bigint };
    return { network, asset: domain.verifyingContract, payTo, amount };
  }
  const { permitted, witness } = message as {
    permitted: { token: `0x${string}`; amount: string };
    witness: { to: string };
  };
  return { network, asset: permitted.token, payTo: witness.to, amount: BigInt(permitted.amount) };
}
