/** One local chain and our facilitator over real HTTP in front of it, for every interop test. */
import { expect } from "vitest";
import { createFacilitator, createFacilitatorApp, evmChain } from "../../facilitator/index.ts";
import { exactEvmFacilitator, type ExactEvmFacilitatorOptions } from "../../src/evm/facilitator.ts";
import { memoryLedger } from "../../src/ledger/index.ts";
import { startLocalWorld, type LocalWorld, type TestAccount } from "../../src/testing/index.ts";
import { PRICE, type Receipt } from "./route.ts";
import { startSite, type App, type SiteUrl } from "./site.ts";

const FUNDS = 1_000_000n;

export type InteropWorld = {
  readonly chain: LocalWorld;
  /** Where our facilitator listens. */
  readonly facilitatorUrl: SiteUrl;
  /** Serves until the world stops. */
  site(app: App): Promise<SiteUrl>;
  /** A payer with $1, or as much as is said, and a payee with nothing, never seen before. */
  parties(funds?: bigint): Promise<Parties>;
  stop(): Promise<void>;
};

export type Parties = {
  readonly payer: TestAccount;
  readonly payTo: `0x${string}`;
  /** Exactly these payments happened on the chain: the logs and both balances say so. */
  readonly expectPaid: (...receipts: Receipt[]) => Promise<void>;
};

export async function startInteropWorld(
  scheme: ExactEvmFacilitatorOptions = {},
): Promise<InteropWorld> {
  const chain = await startLocalWorld();
  const { account } = chain.accounts.facilitator;
  const facilitator = createFacilitator({
    schemes: [exactEvmFacilitator(scheme)],
    ledger: memoryLedger(),
    chains: [evmChain({ network: chain.network, rpcUrls: [chain.rpcUrl], signers: [account] })],
  });
  const facilitatorSite = await startSite(createFacilitatorApp(facilitator));
  const sites = [facilitatorSite];

  return {
    chain,
    facilitatorUrl: facilitatorSite.url,
    async site(app) {
      const site = await startSite(app);
      sites.push(site);
      return site.url;
    },
    async parties(funds = FUNDS) {
      const payer = chain.newAccount();
      const payTo = chain.newAccount().address;
      await chain.fundToken(payer.address, funds);
      return {
        payer,
        payTo,
        expectPaid: (...receipts) => expectPaid(chain, payer, funds, payTo, receipts),
      };
    },
    async stop() {
      await Promise.all(sites.map((site) => site.close()));
      await facilitator.close();
      await chain.stop();
    },
  };
}

async function expectPaid(
  chain: LocalWorld,
  payer: TestAccount,
  funds: bigint,
  payTo: `0x${string}`,
  receipts: Receipt[],
): Promise<void> {
  for (const receipt of receipts) {
    expect(receipt.success).toBe(true);
    expect(receipt.payer?.toLowerCase()).toBe(payer.address.toLowerCase());
  }
  const transfers = await chain.transfersTo(payTo);
  expect(
    transfers.map(({ from, value, transactionHash }) => ({ from, value, transactionHash })),
  ).toEqual(
    receipts.map(({ transaction }) => ({
      from: payer.address,
      value: PRICE,
      transactionHash: transaction,
    })),
  );
  const total = PRICE * BigInt(receipts.length);
  expect(await chain.balanceOf(payTo)).toBe(total);
  expect(await chain.balanceOf(payer.address)).toBe(funds - total);
}
