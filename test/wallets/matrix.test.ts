/** Every way to pay by every kind of payer: our client, our paywall, our facilitator, over HTTP on the local chain. */
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import type { AddressInfo } from "node:net";
import type { Hex } from "viem";
import { afterAll, beforeAll, expect, test } from "vitest";
import { MULTICALL3_ADDRESS } from "../../contracts-abi/multicall3.ts";
import { createFacilitatorApp } from "../../facilitator/index.ts";
import { paywall } from "../../src/adapters/hono.ts";
import { getPaymentReceipt, wrapFetchWithPayment } from "../../src/client/index.ts";
import { KNOWN_ASSETS } from "../../src/evm/facilitator.ts";
import { exactEvm, uptoEvm, type EvmSigner } from "../../src/evm/index.ts";
import type { LocalWorld, TestAccount } from "../../src/testing/index.ts";
import { PLAIN, permit2Payer } from "../setup/permit2.ts";
import { newPermit2Wallet, permit2Wallet } from "./permit2.ts";
import {
  startWalletWorld,
  walletSigner,
  wrappedSigner,
  type WalletFacilitator,
  type WalletWorld,
} from "./world.ts";

let wallets: WalletWorld;
let world: LocalWorld;
let engine: WalletFacilitator;
let site: string;
let owner: TestAccount;
const servers: { close(): unknown }[] = [];
const assets = [PLAIN];

async function listen(app: Hono): Promise<string> {
  return await new Promise((resolve) => {
    const server = serve(
      { fetch: app.fetch, port: 0, hostname: "127.0.0.1" },
      ({ port }: AddressInfo) => resolve(`http://127.0.0.1:${port}`),
    );
    servers.push(server);
  });
}

beforeAll(async () => {
  wallets = await startWalletWorld();
  world = wallets.world;
  owner = world.newAccount();
  engine = await wallets.facilitator({ scheme: { assets: [PLAIN, ...KNOWN_ASSETS] } });
  const paid = paywall({
    facilitator: await listen(createFacilitatorApp(engine, { onError: console.error })),
    schemes: [
      exactEvm({ assets: [PLAIN, ...KNOWN_ASSETS] }),
      uptoEvm({ assets, facilitatorAddress: engine.signer.address }),
    ],
    network: world.network,
    payTo: world.accounts.payee.address,
  });
  const app = new Hono();
  const price = { amount: "10000", asset: PLAIN.address };
  app.get("/eip3009", paid([{ price: { amount: "10000", asset: world.token } }]), (c) =>
    c.json({ payer: c.get("payment").payer }),
  );
  app.get("/permit2", paid([{ price }]), (c) => c.json({ payer: c.get("payment").payer }));
  app.get("/upto", paid([{ scheme: "upto", price }]), (c) => {
    c.get("payment").charge(4000n);
    return c.json({ payer: c.get("payment").payer });
  });
  site = await listen(app);
});
afterAll(async () => {
  for (const server of servers) server.close();
  await wallets?.stop();
});

const NEW_WALLET = "a wallet that is not there yet (ERC-6492)";

/** Whoever pays, with the money for it, and with Permit2's allowance where it needs one. */
const payers: Readonly<Record<string, (permit2: boolean) => Promise<EvmSigner>>> = {
  "an account": async (permit2) => (await account(permit2)).account,
  async "a wallet with code (ERC-1271)"(permit2) {
    const wallet = permit2
      ? await permit2Wallet(world, owner)
      : await world.newSmartWallet(owner.address);
    await world.fundToken(wallet.address, 50_000n);
    return walletSigner(wallet, owner);
  },
  async [NEW_WALLET](permit2) {
    const wallet = permit2
      ? await newPermit2Wallet(world, owner)
      : await world.newSmartWallet(owner.address, { deploy: false });
    await world.fundToken(wallet.address, 50_000n);
    return wrappedSigner(wallet, owner);
  },
  async "an account that delegates (EIP-7702)"(permit2) {
    const payer = await account(permit2);
    await world.delegateAccount(payer);
    return payer.account;
  },
};

async function account(permit2: boolean): Promise<TestAccount> {
  const payer = permit2 ? await permit2Payer(world) : world.newAccount();
  await world.fundToken(payer.address, 50_000n);
  return payer;
}

const payingFetch = (signer: EvmSigner) =>
  wrapFetchWithPayment(fetch, {
    schemes: [
      exactEvm({ account: signer, assets: [PLAIN, ...KNOWN_ASSETS] }),
      uptoEvm({ account: signer, assets }),
    ],
    maxAmount: "$1",
  });

/** What came from a payer, of either token. */
async function paidBy(payer: string) {
  const { address } = world.accounts.payee;
  const all = await Promise.all(
    [world.token, PLAIN.address].map((token) => world.transfersTo(address, token)),
  );
  return all.flat().filter(({ from }) => from.toLowerCase() === payer.toLowerCase());
}

const WAYS = [
  ["eip3009", 10_000n],
  ["permit2", 10_000n],
  ["upto", 4000n],
] as const;

const CELLS = Object.keys(payers).flatMap((name) =>
  WAYS.map(([way, amount]) => ({ name, way, amount, isNew: name === NEW_WALLET })),
);

test.each(CELLS.filter(({ way, isNew }) => !isNew || way !== "upto"))(
  "$name pays by $way",
  async ({ name, way, amount, isNew }) => {
    const signer = await payers[name]!(way !== "eip3009");
    const response = await payingFetch(signer)(`${site}/${way}`);
    expect(response.status).toBe(200);
    const payer = signer.address;
    expect(await response.json()).toEqual({ payer });
    const receipt = getPaymentReceipt(response);
    expect(receipt).toMatchObject({ success: true, payer, amount: amount.toString() });
    const transactionHash = receipt!.transaction as Hex;
    expect(await paidBy(payer)).toMatchObject([{ value: amount, transactionHash }]);
    const transaction = await world.client.getTransaction({ hash: transactionHash });
    expect(transaction.from).toBe(engine.signer.address.toLowerCase());
    expect(transaction.to === MULTICALL3_ADDRESS.toLowerCase()).toBe(isNew);
  },
);

test("a wallet that is not there yet does not pay by upto: it has to be deployed first", async () => {
  const signer = await payers[NEW_WALLET]!(true);
  await expect(payingFetch(signer)(`${site}/upto`)).rejects.toMatchObject({
    code: "payment_rejected",
    message: expect.stringContaining("upto_wallet_not_deployed") as string,
  });
  expect(await paidBy(signer.address)).toEqual([]);
  expect(await world.client.getCode({ address: signer.address })).toBeUndefined();
});
