/** Buyer, paywall and facilitator over real HTTP on the local chain: `exact` with Permit2, and `upto`. */
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createFacilitator, createFacilitatorApp, evmChain } from "../../facilitator/index.ts";
import { paywall } from "../../src/adapters/hono.ts";
import { getPaymentReceipt, wrapFetchWithPayment } from "../../src/client/index.ts";
import {
  exactEvmFacilitator,
  KNOWN_ASSETS,
  uptoEvmFacilitator,
} from "../../src/evm/facilitator.ts";
import {
  exactEvm,
  exactEvmClient,
  permit2,
  permit2Approval,
  readFacilitatorAddress,
  rpcReader,
  uptoEvm,
} from "../../src/evm/index.ts";
import { memoryLedger } from "../../src/ledger/index.ts";
import { httpFacilitator } from "../../src/server/index.ts";
import { startLocalWorld, type LocalWorld, type TestAccount } from "../../src/testing/index.ts";
import { PLAIN, permit2Payer } from "../setup/permit2.ts";

let world: LocalWorld;
let site: string;
const closers: (() => unknown)[] = [];
const payee = () => world.accounts.payee.address;
const assets = [PLAIN];
const price = { amount: "10000", asset: PLAIN.address };

async function listen(app: Hono): Promise<string> {
  return await new Promise((resolve) => {
    const server = serve(
      { fetch: app.fetch, port: 0, hostname: "127.0.0.1" },
      (info: AddressInfo) => resolve(`http://127.0.0.1:${info.port}`),
    );
    closers.push(() => server.close());
  });
}

beforeAll(async () => {
  world = await startLocalWorld();
  const listed = { assets: [...assets, ...KNOWN_ASSETS] };
  const engine = createFacilitator({
    schemes: [exactEvmFacilitator(listed), uptoEvmFacilitator(listed)],
    ledger: memoryLedger(),
    chains: [
      evmChain({
        network: world.network,
        rpcUrls: [world.rpcUrl],
        signers: [world.accounts.facilitator.account],
      }),
    ],
  });
  closers.push(() => engine.close());
  const facilitator = await listen(createFacilitatorApp(engine, { onError: console.error }));
  const facilitatorAddress = await readFacilitatorAddress(
    httpFacilitator(facilitator),
    world.network,
  );
  const paid = paywall({
    facilitator,
    schemes: [exactEvm({ assets }), uptoEvm({ assets, facilitatorAddress })],
    network: world.network,
    payTo: payee(),
  });
  const app = new Hono();
  app.get("/exact", paid([{ price }]), (c) => c.json({ payer: c.get("payment").payer }));
  const upto = paid([{ scheme: "upto", price }]);
  app.get("/metered/:used", upto, (c) => {
    c.get("payment").charge(BigInt(c.req.param("used")));
    return c.json({ used: c.req.param("used") });
  });
  app.get("/overridden", upto, (c) => {
    c.header("Settlement-Overrides", JSON.stringify({ amount: "25%" }));
    return c.json({});
  });
  site = await listen(app);
});
afterAll(async () => {
  for (const close of closers) await close();
  await world.stop();
});

const fetchOf = ({ account }: TestAccount) =>
  wrapFetchWithPayment(fetch, {
    schemes: [exactEvm({ account, assets }), uptoEvm({ account, assets })],
    maxAmount: "$1",
  });
const received = () => world.balanceOf(payee(), PLAIN.address);

test("the offers say how they are to be paid", async () => {
  const offers = async (path: string) => {
    const response = await fetch(`${site}${path}`);
    const text = atob(response.headers.get("PAYMENT-REQUIRED")!);
    return (JSON.parse(text) as { accepts: unknown[] }).accepts;
  };
  expect(await offers("/exact")).toMatchObject([
    { scheme: "exact", amount: "10000", extra: { assetTransferMethod: "permit2" } },
  ]);
  expect(await offers("/metered/1")).toMatchObject([
    {
      scheme: "upto",
      amount: "10000",
      extra: {
        assetTransferMethod: "permit2",
        facilitatorAddress: world.accounts.facilitator.address,
      },
    },
  ]);
});

describe("an agent pays", () => {
  test("exact with Permit2 for any ERC-20", async () => {
    const before = await received();
    const payer = await permit2Payer(world);
    const response = await fetchOf(payer)(`${site}/exact`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ payer: payer.address });
    expect(getPaymentReceipt(response)).toMatchObject({ success: true, amount: "10000" });
    expect((await received()) - before).toBe(10_000n);
  });

  test.each([
    ["/metered/4000", "4000"],
    ["/metered/10000", "10000"],
    ["/overridden", "2500"],
  ])("upto %s", async (path, amount) => {
    const before = await received();
    const response = await fetchOf(await permit2Payer(world))(`${site}${path}`);
    expect(response.status).toBe(200);
    expect(response.headers.has("settlement-overrides")).toBe(false);
    expect(getPaymentReceipt(response)).toMatchObject({ success: true, amount });
    expect((await received()) - before).toBe(BigInt(amount));
  });

  test("nothing, when nothing was used", async () => {
    const before = await received();
    const response = await fetchOf(await permit2Payer(world))(`${site}/metered/0`);
    expect(response.status).toBe(200);
    expect(getPaymentReceipt(response)).toMatchObject({
      success: true,
      amount: "0",
      transaction: "",
    });
    expect(await received()).toBe(before);
  });
});

describe("without an allowance for Permit2", () => {
  test.each(["/exact", "/metered/1"])("%s answers 412, and delivers nothing", async (path) => {
    const payer = await permit2Payer(world, { allowance: 0n });
    const response = await fetchOf(payer)(`${site}${path}`);
    expect(response.status).toBe(412);
    expect(await response.text()).toContain("permit2_allowance_required");
    expect(await world.balanceOf(payer.address, PLAIN.address)).toBe(1_000_000n);
  });

  test("too little on the account is a rejection like any other", async () => {
    const payer = await permit2Payer(world, { funds: 9999n });
    await expect(fetchOf(payer)(`${site}/exact`)).rejects.toMatchObject({
      code: "payment_rejected",
      message: expect.stringContaining("permit2_insufficient_balance") as string,
    });
  });

  test("a buyer with a chain to ask signs nothing, is told what to do, and pays once it is done", async () => {
    const payer = await permit2Payer(world, { allowance: 0n });
    const asked: unknown[] = [];
    const account = {
      address: payer.address,
      signTypedData: (typedData: Parameters<typeof payer.account.signTypedData>[0]) => {
        asked.push(typedData);
        return payer.account.signTypedData(typedData);
      },
    };
    const chain = rpcReader({ [world.network]: world.rpcUrl });
    const pay = wrapFetchWithPayment(fetch, {
      schemes: [exactEvmClient({ account, chain, assets, methods: [permit2()] })],
      maxAmount: "$1",
    });
    await expect(pay(`${site}/exact`)).rejects.toMatchObject({
      code: "permit2_allowance_required",
      retry: "safe",
      message: expect.stringContaining("permit2Approval") as string,
    });
    expect(asked).toEqual([]);

    await world.fundEther(payer.address, 10n ** 17n);
    const hash = await world.client.sendTransaction({
      account: payer.account,
      ...permit2Approval({ token: PLAIN.address, amount: 10_000n }),
    });
    await world.client.waitForTransactionReceipt({ hash });
    expect((await pay(`${site}/exact`)).status).toBe(200);
    expect(asked).toHaveLength(1);
  });
});

test("what became of a permit is read from Permit2", async () => {
  const payer = await permit2Payer(world);
  const chain = rpcReader({ [world.network]: world.rpcUrl });
  const scheme = exactEvm({ account: payer.account, assets, chain });
  let payload: Record<string, unknown> = {};
  const watched = {
    ...scheme,
    async createPayload(...args: Parameters<typeof scheme.createPayload>) {
      payload = await scheme.createPayload(...args);
      expect(await scheme.fate!(payload, { network: world.network, asset: PLAIN.address })).toBe(
        "open",
      );
      return payload;
    },
  };
  const pay = wrapFetchWithPayment(fetch, { schemes: [watched], maxAmount: "$1" });
  expect((await pay(`${site}/exact`)).status).toBe(200);
  const asset = world.token; // of whatever token: nonces are the owner's
  expect(await scheme.fate!(payload, { network: world.network, asset })).toBe("taken");
  const upto = uptoEvm({ account: payer.account, chain });
  expect(await upto.fate!(payload, { network: world.network, asset })).toBe("taken");
});

describe("a seller in upto is told at construction", () => {
  const network = "eip155:84532";

  test("that the facilitator's address is missing, or none", () => {
    const create = (scheme: ReturnType<typeof uptoEvm>) =>
      paywall({
        facilitator: "http://127.0.0.1:1",
        schemes: [scheme],
        network,
        payTo: payee(),
      })([{ scheme: "upto", price: "$0.01" }]);
    expect(() => create(uptoEvm())).toThrow(/readFacilitatorAddress/);
    expect(() => create(uptoEvm({ facilitatorAddress: { "eip155:1": payee() } }))).toThrow(
      TypeError,
    );
    expect(() => uptoEvm({ facilitatorAddress: "0x12" })).toThrow(/not an address/);
    expect(() => create(uptoEvm({ facilitatorAddress: { [network]: [payee()] } }))).not.toThrow();
  });

  test("of several addresses a payee always has the same, and different payees different ones", () => {
    const list = [world.accounts.facilitator.address, world.accounts.payer.address];
    const { price: priceOf } = uptoEvm({ facilitatorAddress: list });
    const chosen = (payTo: string) => priceOf("$0.01", network, payTo).extra["facilitatorAddress"];
    const payees = Array.from({ length: 20 }, () => world.newAccount().address);
    expect(new Set(payees.map(chosen))).toEqual(new Set(list));
    for (const each of payees) expect(chosen(each.toLowerCase())).toBe(chosen(each));
  });

  test("that the facilitator does not settle there", async () => {
    const supported = () => Promise.resolve({ kinds: [], extensions: [], signers: {} });
    await expect(readFacilitatorAddress({ supported }, network)).rejects.toMatchObject({
      code: "facilitator_refused",
    });
    await expect(readFacilitatorAddress({ supported }, "solana:devnet")).rejects.toThrow(TypeError);
  });
});
