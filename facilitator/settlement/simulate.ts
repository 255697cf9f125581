import type { Reason } from "../../src/core/reasons.ts";
import type { Hex } from "../../src/core/scheme.ts";
import type { EvmChain } from "../chain.ts";
import { aggregate, aggregateResults } from "./aggregate.ts";
import { isDeployed } from "./deployed.ts";
import { gasOf } from "./flight.ts";
import type { Job } from "./job.ts";

export interface Simulated {
  /** May be signed together, in this order. */
  readonly payable: readonly Job[];
  /** Would succeed alone, and did not among the others. */
  readonly alone: readonly Job[];
  readonly refused: readonly { readonly job: Job; readonly reason: Reason }[];
}

/**
 * Runs the calls of one transaction against the newest block before it is signed, in a single `eth_call`. Calls in one
 * transaction see each other's effects, so a "no" in company is asked again alone before it is believed. Payers with
 * code go alone: tokens ask them about the signature, and what they answer, or burn, is theirs to choose.
 */
export async function simulate(
  chain: EvmChain,
  signer: Hex,
  jobs: readonly Job[],
): Promise<Simulated> {
  const together = jobs.length > 1;
  const [succeeded, haveCode] = await Promise.all([
    callAll(chain, signer, jobs),
    together ? chain.haveCode(jobs.map((job) => job.payment.payer)) : [],
  ]);
  const goes = (index: number) => succeeded[index] === true && haveCode[index] !== true;
  const payable = jobs.filter((_, index) => goes(index));
  const doubtful = jobs.filter((_, index) => !goes(index));
  const alone: Job[] = [];
  const refused: { job: Job; reason: Reason }[] = [];
  await Promise.all(
    doubtful.map(async (job) => {
      if (together && (await callAll(chain, signer, [job]))[0] === true) alone.push(job);
      else refused.push({ job, reason: await job.scheme.diagnose(job.payment, chain) });
    }),
  );
  return { payable, alone, refused };
}

async function callAll(
  chain: EvmChain,
  signer: Hex,
  jobs: readonly Job[],
): Promise<readonly boolean[]> {
  const [succeeded, deployed] = await Promise.all([
    runAll(chain, signer, jobs),
    Promise.all(jobs.map(({ payment, call }) => isDeployed(chain, payment, call))),
  ]);
  return jobs.map((_, index) => succeeded[index] === true && deployed[index] === true);
}

async function runAll(
  chain: EvmChain,
  signer: Hex,
  jobs: readonly Job[],
): Promise<readonly boolean[]> {
  const [first] = jobs;
  if (first !== undefined && jobs.length === 1) {
    return [(await chain.call({ ...first.call, from: signer, gas: first.call.gasLimit })).ok];
  }
  const call = aggregate(jobs.map((job) => job.call));
  const { ok, data } = await chain.call({ ...call, from: signer, gas: gasOf(jobs) });
  return (ok ? aggregateResults(data, jobs.length) : undefined) ?? [];
}
