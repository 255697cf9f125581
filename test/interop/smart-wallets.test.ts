/** Smart wallets as payers: the official client and ours, at our sites, settled by our facilitator. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { wrapFetchWithPayment } from "../../src/client/index.ts";
import { exactEvm } from "../../src/evm/index.ts";
import { LOCAL_CONTRACTS, wrapErc6492, type TestAccount } from "../../src/testing/index.ts";
import { ourReceipt, ourSite } from "./ours.ts";
import { officialFetch, officialReceipt } from "./peers.ts";
import { PRICE } from "./route.ts";
import { startInteropWorld, type InteropWorld } from "./world.ts";

type Address = `0x${string}`;
type Signer = Pick<TestAccount["account"], "address" | "signTypedData">;

let world: InteropWorld;
beforeAll(async () => {
  world = await startInteropWorld({
    erc6492Factories: [{ address: LOCAL_CONTRACTS.walletFactory }],
  });
});
afterAll(() => world.stop());

/** Signs for a wallet: with the key behind it, perhaps wrapped. */
const signerOf = (
  address: Address,
  key: TestAccount,
  wrap: (signature: Address) => Address = (signature) => signature,
): Signer => ({
  address,
  signTypedData: async (typedData) => wrap(await key.account.signTypedData(typedData)),
});

const kinds: Record<string, () => Promise<Signer>> = {
  "a key": () => Promise.resolve(world.chain.newAccount().account),
  async "a wallet with code (ERC-1271)"() {
    const owner = world.chain.newAccount();
    return signerOf((await world.chain.newSmartWallet(owner.address)).address, owner);
  },
  async "a wallet that is not on the chain yet (ERC-6492)"() {
    const owner = world.chain.newAccount();
    const wallet = await world.chain.newSmartWallet(owner.address, { deploy: false });
    return signerOf(wallet.address, owner, (signature) => wrapErc6492(wallet, signature));
  },
  async "an account that delegates (EIP-7702)"() {
    const account = world.chain.newAccount();
    await world.chain.delegateAccount(account);
    return signerOf(account.address, account);
  },
};

const clients = {
  "our client": {
    pay: (account: Signer) =>
      wrapFetchWithPayment(fetch, { schemes: [exactEvm({ account })], maxAmount: "$1" }),
    receiptOf: ourReceipt,
  },
  "@x402/fetch": {
    pay: (signer: Signer) => officialFetch(signer),
    receiptOf: officialReceipt,
  },
};

describe.each(Object.keys(clients) as (keyof typeof clients)[])("%s", (client) => {
  const { pay, receiptOf } = clients[client];

  it.each(Object.keys(kinds))("pays with %s, twice", async (kind) => {
    const signer = await kinds[kind]!();
    await world.chain.fundToken(signer.address, 2n * PRICE);
    const payTo = world.chain.newAccount().address;
    const url = `${await world.site(ourSite(world.facilitatorUrl, payTo))}/report`;
    const fetchPaid = pay(signer);

    const transactions: string[] = [];
    for (let i = 0; i < 2; i++) {
      const response = await fetchPaid(url);
      expect(response.status, await response.clone().text()).toBe(200);
      expect(receiptOf(response)).toMatchObject({ success: true, payer: signer.address });
      transactions.push(receiptOf(response).transaction);
    }

    expect(await world.chain.transfersTo(payTo)).toMatchObject(
      transactions.map((transactionHash) => ({
        from: signer.address,
        value: PRICE,
        transactionHash,
      })),
    );
    expect(await world.chain.balanceOf(signer.address)).toBe(0n);
  });
});
