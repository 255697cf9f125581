import { serve } from "@hono/node-server";
import { Command } from "commander";
import { Hono } from "hono";
import { relative } from "node:path";
import { createLog, startFacilitator } from "../facilitator/main.ts";
import { paywall } from "../src/adapters/hono.ts";
import { getPaymentReceipt, wrapFetchWithPayment } from "../src/client/index.ts";
import { formatAmount } from "../src/core/amount.ts";
import { decodeHeader, PAYMENT_REQUIRED } from "../src/core/header.ts";
import { PaymentRequired } from "../src/core/messages.ts";
import { exactEvm, permit2Approval, uptoEvm } from "../src/evm/index.ts";
import { startLocalWorld, type LocalWorld } from "../src/testing/index.ts";
import { EXIT, fail } from "./exit.ts";

const PRICE = "$0.01";

const HELP = `
Needs nothing but this package and @foundry-rs/anvil from npm. All keys are for this local chain only.

Exit codes: 0 the payment was settled (or stopped by a signal), 1 it was not.`;

interface DevOptions {
  readonly once?: true;
  readonly json?: true;
}

/** What happened, as it is told and as `--json` prints it. */
interface Story {
  readonly chain: { network: string; rpcUrl: string };
  readonly facilitator: string;
  readonly publisher: string;
  readonly price: string;
  readonly unpaidStatus: number;
  readonly status: number;
  readonly body: unknown;
  readonly transaction: string;
  /** Atomic units of the token, 6 decimals. */
  readonly balances: { payer: Change; payee: Change };
}

interface Change {
  readonly before: string;
  readonly after: string;
}

/** `farthing dev`: a local chain, a facilitator, a publisher, and an agent that pays. */
export function devCommand(): Command {
  return new Command("dev")
    .description(
      "show the whole thing: a local chain, a facilitator, a publisher, and an agent that pays it",
    )
    .option("--once", "end after one payment")
    .option("--json", "print one JSON object, and nothing else")
    .addHelpText("after", HELP)
    .action(async (options: DevOptions) => {
      const stops: (() => Promise<unknown>)[] = [];
      try {
        const tell = options.json
          ? () => undefined
          : (line: string) => void process.stdout.write(`${line}\n`);
        const { story, world } = await run(stops, tell);
        if (options.json) process.stdout.write(`${JSON.stringify(story, null, 2)}\n`);
        if (story.transaction === "")
          fail(EXIT.failed, `the payment was not settled: status ${story.status}`);
        else if (!options.once) await stayUp(story, world, tell);
      } catch (error) {
        fail(EXIT.failed, error instanceof Error ? error.message : String(error));
      } finally {
        for (const stop of stops.toReversed()) await stop();
      }
    });
}

async function run(
  stops: (() => Promise<unknown>)[],
  tell: (line: string) => void,
): Promise<{ story: Story; world: LocalWorld }> {
  const world = await startLocalWorld();
  stops.push(() => world.stop());
  const { payer, payee, facilitator: signer } = world.accounts;
  tell(`Chain         ${world.rpcUrl} (${world.network}, local)`);

  const config = {
    host: "127.0.0.1",
    port: 0,
    networks: [
      { network: world.network, rpcUrls: [world.rpcUrl], privateKeys: [signer.privateKey] },
    ],
    logLevel: "error",
  };
  const facilitator = await startFacilitator(config, createLog(config));
  stops.push(() => facilitator.close());
  tell(`Facilitator   ${facilitator.url} (ledger in memory)`);

  const paid = paywall({
    facilitator: facilitator.url,
    schemes: [exactEvm(), uptoEvm({ facilitatorAddress: signer.address })],
    network: world.network,
    payTo: payee.address,
  });
  const app = new Hono();
  app.get("/report", paid(PRICE, { description: "A report" }), (c) =>
    c.json({ report: "The answer is 42.", paidBy: c.get("payment").payer }),
  );
  const byPermit2 = { price: PRICE, extra: { assetTransferMethod: "permit2" } };
  app.get("/permit2", paid([byPermit2]), (c) => c.json({ report: "Paid by way of Permit2." }));
  app.get("/metered", paid([{ scheme: "upto", price: PRICE }]), (c) => {
    c.get("payment").charge("40%");
    return c.json({ report: "Less was used than was signed for." });
  });
  const publisher = await listen(app, stops);
  const url = `${publisher}/report`;
  tell(`Publisher     ${url} for ${PRICE}`);
  tell(
    `              /permit2 the same by Permit2, /metered at most that, for what is used (upto)`,
  );
  await allowPermit2(world);

  const dollars = async (account: { address: `0x${string}` }) =>
    await world.balanceOf(account.address);
  const before = { payer: await dollars(payer), payee: await dollars(payee) };
  tell(`\nBefore        payer ${usdc(before.payer)}, payee ${usdc(before.payee)}`);

  const unpaid = await fetch(url);
  const demand = decodeHeader(
    PaymentRequired,
    unpaid.headers.get(PAYMENT_REQUIRED) ?? "",
    "malformed_payment_required",
    PAYMENT_REQUIRED,
  );
  tell(`Agent         GET /report`);
  tell(
    `Publisher     ${unpaid.status}: pay ${usdc(BigInt(demand.accepts[0]?.amount ?? 0))} to ${payee.address}`,
  );

  const payingFetch = wrapFetchWithPayment(fetch, {
    schemes: [exactEvm({ account: payer.account })],
  });
  tell("Agent         signs a payment, and asks again with it");
  const response = await payingFetch(url);
  const transaction = getPaymentReceipt(response)?.transaction ?? "";
  const body: unknown = await response.json();
  tell(`Publisher     ${response.status}: ${JSON.stringify(body)}`);
  tell(`Settled       transaction ${transaction}`);

  const after = { payer: await dollars(payer), payee: await dollars(payee) };
  tell(`After         payer ${usdc(after.payer)}, payee ${usdc(after.payee)}`);
  const change = (key: "payer" | "payee"): Change => ({
    before: `${before[key]}`,
    after: `${after[key]}`,
  });
  const story: Story = {
    chain: { network: world.network, rpcUrl: world.rpcUrl },
    facilitator: facilitator.url,
    publisher: url,
    price: PRICE,
    unpaidStatus: unpaid.status,
    status: response.status,
    body,
    transaction,
    balances: { payer: change("payer"), payee: change("payee") },
  };
  return { story, world };
}

/** Gives the payer gas money, and Permit2 leave to move its tokens: once, as any payer has to. */
async function allowPermit2(world: LocalWorld): Promise<void> {
  const { payer } = world.accounts;
  await world.fundEther(payer.address, 10n ** 17n);
  const approval = permit2Approval({ token: world.token });
  const hash = await world.client.sendTransaction({ account: payer.account, ...approval });
  await world.client.waitForTransactionReceipt({ hash });
}

async function listen(app: Hono, stops: (() => Promise<unknown>)[]): Promise<string> {
  return await new Promise((resolve) => {
    const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 }, ({ port }) =>
      resolve(`http://127.0.0.1:${port}`),
    );
    stops.push(
      () =>
        new Promise<void>((closed) => {
          server.close(() => closed());
          if ("closeAllConnections" in server) server.closeAllConnections();
        }),
    );
  });
}

async function stayUp(
  story: Story,
  world: LocalWorld,
  tell: (line: string) => void,
): Promise<void> {
  const command = relative(process.cwd(), process.argv[1] ?? "farthing");
  tell(`\nPay again:    EVM_PRIVATE_KEY=${world.accounts.payer.privateKey} \\`);
  tell(`              node ${command} pay ${story.publisher}`);
  tell("The key is for this local chain only. Ctrl-C ends everything.");
  await new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => resolve());
  });
}

const usdc = (atomic: bigint): string => `${formatAmount(atomic, 6)} USDC`;
