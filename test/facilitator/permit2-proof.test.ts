import { afterAll, beforeAll, expect, test } from "vitest";
import type { EvmChain } from "../../facilitator/chain.ts";
import { createFacilitator, evmChain, type FacilitatorEngine } from "../../facilitator/index.ts";
import { exactEvmFacilitator } from "../../src/evm/facilitator.ts";
import { memoryLedger } from "../../src/ledger/index.ts";
import { PLAIN } from "../setup/permit2.ts";
import { openPermit2Site } from "../setup/permit2-site.ts";

/** Somebody sends a payment after its claim, and nodes tell of it late, in part, or of another fork. */
let site: Awaited<ReturnType<typeof openPermit2Site>>;
const facilitators: FacilitatorEngine[] = [];
beforeAll(async () => {
  site = await openPermit2Site();
});
afterAll(async () => {
  await Promise.all(facilitators.map((each) => each.close(1000)));
  await site.stop();
});

async function start(
  change: (chain: EvmChain) => Partial<EvmChain>,
  claimed: () => Promise<void>,
  settleTimeoutMs?: number,
) {
  const signer = site.world.newAccount();
  await site.world.fundEther(signer.address, 10n ** 18n);
  const { network, rpcUrl } = site.world;
  const real = evmChain({ network, rpcUrls: [rpcUrl], signers: [signer.account] });
  const chain = { ...real.chain, ...change(real.chain) };
  let first = true;
  const facilitator = createFacilitator({
    schemes: [exactEvmFacilitator({ assets: [PLAIN] })],
    ledger: memoryLedger(),
    chains: [{ ...real, chain }],
    ...(settleTimeoutMs !== undefined && { settleTimeoutMs }),
    async step(step) {
      if (step !== "claimed" || !first) return;
      first = false;
      await claimed();
    },
  });
  facilitators.push(facilitator);
  return facilitator;
}

const named = { idempotencyKey: "order" };

test("the head that is known is older than the use", async () => {
  const { request, payTo } = await site.pay();
  let late: Awaited<ReturnType<EvmChain["head"]>> | undefined;
  const facilitator = await start(
    ({ head }) => ({ head: async () => late ?? (await head()) }),
    async () => {
      late = await site.world.client.getBlock().then((block) => ({
        number: block.number,
        hash: block.hash,
        parentHash: block.parentHash,
        timestampSeconds: Number(block.timestamp),
        baseFeePerGas: block.baseFeePerGas ?? 0n,
      }));
      await site.frontRun(request);
      setTimeout(() => (late = undefined), 500);
    },
  );
  expect(await facilitator.settle(request, named)).toMatchObject({ success: true });
  expect(await site.received(payTo)).toBe(10_000n);
}, 20_000);

test("the logs come late, and some states are of another fork", async () => {
  const { request, payTo } = await site.pay();
  let used = 0n;
  let lies = 0;
  const facilitator = await start(
    ({ logs, call }) => ({
      logs: async (filter) => (lies > 0 ? [] : await logs(filter)),
      call: async (asked) => {
        const answer = await call(asked);
        if (lies === 0 || asked.block !== used - 1n) return answer;
        lies--;
        return { ok: true, data: `0x${"f".repeat(64)}` };
      },
    }),
    async () => {
      for (let i = 0; i < 3; i++) await site.world.client.mine({ blocks: 1 });
      const hash = await site.frontRun(request);
      used = (await site.world.client.getTransactionReceipt({ hash })).blockNumber;
      lies = 1;
    },
  );
  expect(await facilitator.settle(request, named)).toMatchObject({ success: true });
  expect(await site.received(payTo)).toBe(10_000n);
}, 20_000);

test("nobody can say whose transfer it is, and after a long time nobody can either", async () => {
  const { request, payTo } = await site.pay();
  const facilitator = await start(
    () => ({ blockTimeMs: () => 1, transaction: async () => undefined }),
    async () => void (await site.frontRun(request)),
    500,
  );
  await expect(facilitator.settle(request, named)).rejects.toMatchObject({ retry: "unsafe" });
  await new Promise((resolve) => setTimeout(resolve, 10_000));
  await expect(facilitator.settle(request, named)).rejects.toMatchObject({ retry: "unsafe" });
  expect(await site.received(payTo)).toBe(10_000n);
}, 30_000);
