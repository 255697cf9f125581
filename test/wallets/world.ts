/** A chain, a facilitator, and payers of every kind. */
import type { ExactEvmFacilitatorOptions } from "../../src/evm/facilitator.ts";
import { createFacilitator, evmChain, type SettlementEvent } from "../../facilitator/index.ts";
import type {
  CreateFacilitatorOptions,
  FacilitatorEngine,
  SettlementOptions,
} from "../../facilitator/index.ts";
import type { FacilitatorRequest } from "../../src/core/messages.ts";
import { exactEvmFacilitator, uptoEvmFacilitator } from "../../src/evm/facilitator.ts";
import type { EvmSigner } from "../../src/evm/index.ts";
import { memoryLedger, type Ledger } from "../../src/ledger/index.ts";
import {
  startLocalWorld,
  startRpcProxy,
  wrapErc6492,
  type LocalWorld,
  type RpcProxy,
  type SmartWallet,
  type TestAccount,
} from "../../src/testing/index.ts";
import { requirementsOf, signedRequest } from "../setup/payments.ts";

export interface WalletWorld {
  readonly world: LocalWorld;
  /** Between the facilitators and the chain. */
  readonly rpc: RpcProxy;
  /** A facilitator with a signer of its own, which lets the local factory make wallets unless told otherwise. */
  facilitator(options?: WalletFacilitatorOptions): Promise<WalletFacilitator>;
  stop(): Promise<void>;
}

export interface WalletFacilitatorOptions {
  readonly scheme?: ExactEvmFacilitatorOptions;
  readonly chain?: SettlementOptions;
  readonly ledger?: Ledger;
  readonly step?: CreateFacilitatorOptions["step"];
  /** How many others may sign, beside the one that is told; default none. */
  readonly others?: number;
}

export interface WalletFacilitator extends FacilitatorEngine {
  readonly signer: TestAccount;
  readonly events: readonly SettlementEvent[];
}

export async function startWalletWorld(): Promise<WalletWorld> {
  const world = await startLocalWorld();
  const rpc = await startRpcProxy(world.rpcUrl);
  const engines: FacilitatorEngine[] = [];
  return {
    world,
    rpc,
    async facilitator({ scheme, chain, ledger = memoryLedger(), step, others = 0 } = {}) {
      const signer = world.newAccount();
      const signers = [signer, ...Array.from({ length: others }, () => world.newAccount())];
      for (const { address } of signers) await world.fundEther(address, 10n ** 19n);
      const events: SettlementEvent[] = [];
      const engine = createFacilitator({
        schemes: [
          exactEvmFacilitator({
            erc6492Factories: [{ address: world.contracts.walletFactory }],
            ...scheme,
          }),
          uptoEvmFacilitator(scheme?.assets && { assets: scheme.assets }),
        ],
        ledger,
        chains: [
          evmChain({
            network: world.network,
            rpcUrls: [rpc.url],
            signers: signers.map(({ account }) => account),
            ...chain,
          }),
        ],
        observe: (event) => events.push(event),
        ...(step && { step }),
      });
      engines.push(engine);
      return { ...engine, signer, events };
    },
    async stop() {
      await Promise.all(engines.map((engine) => engine.close(1000)));
      await rpc.stop();
      await world.stop();
    },
  };
}

export const PRICE = 10_000n;

/** A payment of $0.01 to an address of its own. */
export async function payment(
  world: LocalWorld,
  signer: EvmSigner,
  asset?: `0x${string}`,
): Promise<{ request: FacilitatorRequest; payTo: `0x${string}` }> {
  const payTo = world.newAccount().address;
  const requirements = { ...requirementsOf("$0.01", payTo), ...(asset && { asset }) };
  return { payTo, request: await signedRequest(signer, requirements) };
}

/** Signs for a wallet with its owner's key. */
export const walletSigner = (wallet: SmartWallet, owner: TestAccount): EvmSigner => ({
  address: wallet.address,
  signTypedData: (typedData) => owner.account.signTypedData(typedData),
});

/** The same, wrapped for a wallet that is not on the chain yet. */
export const wrappedSigner = (
  wallet: Pick<SmartWallet, "address" | "factory" | "factoryCalldata">,
  owner: TestAccount,
): EvmSigner => ({
  address: wallet.address,
  signTypedData: async (typedData) =>
    wrapErc6492(wallet, await owner.account.signTypedData(typedData)),
});

/** Signs with whatever bytes, the same for everything. */
export const bytesSigner = (
  address: `0x${string}`,
  signature: `0x${string}` = "0x",
): EvmSigner => ({ address, signTypedData: () => Promise.resolve(signature) });
