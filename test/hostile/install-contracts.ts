/** Puts wallets and tokens that attack whoever settles payments on a local chain. */
import type { Abi, Address, Hex } from "viem";
import { ERC1271_MAGIC_VALUE } from "../../contracts-abi/erc1271.ts";
import {
  LOCAL_TOKEN_ADDRESS,
  LOCAL_TOKEN_NAME,
  LOCAL_TOKEN_VERSION,
  newAccount,
  type LocalClient,
} from "../../src/testing/index.ts";
import { installCode } from "../../src/testing/install-code.ts";
import {
  doubleTransferTokenAbi,
  doubleTransferTokenBytecode,
} from "./contracts/double-transfer-token.ts";
import { feeTokenAbi, feeTokenBytecode } from "./contracts/fee-token.ts";
import { gasBombWalletAbi, gasBombWalletBytecode } from "./contracts/gas-bomb-wallet.ts";
import { lookalikeTokenAbi, lookalikeTokenBytecode } from "./contracts/lookalike-token.ts";
import { mouthpieceAbi, mouthpieceBytecode } from "./contracts/mouthpiece.ts";
import { noopTokenAbi, noopTokenBytecode } from "./contracts/noop-token.ts";
import { reentrantTokenAbi, reentrantTokenBytecode } from "./contracts/reentrant-token.ts";
import { returnBombWalletAbi, returnBombWalletBytecode } from "./contracts/return-bomb-wallet.ts";
import {
  simulationAwareWalletAbi,
  simulationAwareWalletBytecode,
} from "./contracts/simulation-aware-wallet.ts";

const METADATA = [LOCAL_TOKEN_NAME, "USDC", LOCAL_TOKEN_VERSION] as const;

/**
 * Tokens like the local one, but: `noop` accepts every authorization and does nothing; `doubleTransfer`
 * moves everything twice; `fee` keeps one per cent of what is moved; `reentrant` makes a call before
 * a transfer once `arm` was called.
 */
const TOKENS = {
  noop: { abi: noopTokenAbi, bytecode: noopTokenBytecode },
  doubleTransfer: { abi: doubleTransferTokenAbi, bytecode: doubleTransferTokenBytecode },
  fee: { abi: feeTokenAbi, bytecode: feeTokenBytecode },
  reentrant: { abi: reentrantTokenAbi, bytecode: reentrantTokenBytecode },
} as const;

/** What a lookalike token logs instead of moving money; in the order of LookalikeToken.sol. */
const LOOKALIKES = [
  "other-emitter",
  "less-value",
  "swapped-parties",
  "no-indexed-parameters",
  "other-name",
] as const;

export type HostileToken = keyof typeof TOKENS | (typeof LOOKALIKES)[number];

/**
 * Puts a hostile token at `address`, which is the world's token unless it is given: balances, used
 * authorizations and the EIP-712 domain of the token there stay.
 */
export async function installHostileToken(
  client: LocalClient,
  kind: HostileToken,
  address: Address = LOCAL_TOKEN_ADDRESS,
): Promise<void> {
  if (kind in TOKENS) {
    const contract: { abi: Abi; bytecode: Hex } = TOKENS[kind as keyof typeof TOKENS];
    await installCode(client, address, { ...contract, args: METADATA });
    return;
  }
  const mouthpiece = newAccount().address;
  await installCode(client, mouthpiece, { abi: mouthpieceAbi, bytecode: mouthpieceBytecode });
  const number = BigInt(LOOKALIKES.indexOf(kind as (typeof LOOKALIKES)[number]));
  await installCode(client, address, {
    abi: lookalikeTokenAbi,
    bytecode: lookalikeTokenBytecode,
    args: [...METADATA, number, mouthpiece],
  });
}

/** Puts a wallet that burns all gas it is asked with at `address`. */
export async function installGasBombWallet(client: LocalClient, address: Address): Promise<void> {
  await installCode(client, address, { abi: gasBombWalletAbi, bytecode: gasBombWalletBytecode });
}

/**
 * Puts a wallet at `address` whose answer about signatures has `size` bytes (default one MiB), of
 * which the first four are `start` (default ERC-1271's yes), and is returned or reverted with.
 */
export async function installReturnBombWallet(
  client: LocalClient,
  address: Address,
  options: { readonly start?: Hex; readonly size?: bigint; readonly reverts?: boolean } = {},
): Promise<void> {
  const { start = ERC1271_MAGIC_VALUE, size = 2n ** 20n, reverts = false } = options;
  await installCode(client, address, {
    abi: returnBombWalletAbi,
    bytecode: returnBombWalletBytecode,
    args: [start, size, reverts],
  });
}

/** Puts a wallet at `address` that says yes to every signature in a simulation, and no in a block. */
export async function installSimulationAwareWallet(
  client: LocalClient,
  address: Address,
): Promise<void> {
  await installCode(client, address, {
    abi: simulationAwareWalletAbi,
    bytecode: simulationAwareWalletBytecode,
  });
}
