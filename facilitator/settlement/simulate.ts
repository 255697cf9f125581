import type { Reason } from "../../src/core/reasons.ts";
import { aggregate, aggregateResults } from "./aggregate.ts";
import { isDeployed } from "./deployed.ts";
import { gasOf } from "./flight.ts";
import type { Job } from "./job.ts";
import type { LaneState } from "./lane-state.ts";

export interface Simulated {
  /** May be signed together, in this order. */
  readonly payable: readonly Job[];
  /** Would succeed alone, and did not among the others. */
  readonly alone: readonly Job[];
  readonly refused: readonly { readonly job: Job; readonly reason: Reason }[];
}

type Simulator = Pick<LaneState, "chain" | "account" | "penalties">;

/**
 * Runs the calls of one transaction against the newest block before it is signed, in a single `eth_call`. Calls in one
 * transaction see each other's effects, so a "no" in company is asked again alone before it is believed. Payers with
 * code go alone: tokens ask them about the signature, and what they answer, or burn, is theirs to choose.
 */
export async function simulate(lane: Simulator, jobs: readonly Job[]): Promise<Simulated> {
  const plain = jobs.filter((job) => job.liable === undefined);
  const [succeeded, haveCode] = await Promise.all([
    callAll(lane, plain),
    plain.length > 0 ? lane.chain.haveCode(plain.map((job) => job.payment.payer)) : [],
  ]);
  for (const [index, job] of plain.entries()) {
    if (haveCode[index] === true) job.liable = { wallet: job.payment.payer };
  }
  const payable = plain.filter((job, index) => job.liable === undefined && succeeded[index]);
  const doubtful = jobs.filter((job) => !payable.includes(job));
  const alone: Job[] = [];
  const refused: { job: Job; reason: Reason }[] = [];
  await Promise.all(
    doubtful.map(async (job) => {
      const known = job.liable === undefined && jobs.length === 1; // it was alone
      const reason = known ? await diagnose(lane, job) : await refusal(lane, job);
      if (reason !== undefined) refused.push({ job, reason });
      else if (jobs.length === 1) payable.push(job);
      else alone.push(job);
    }),
  );
  return { payable, alone, refused };
}

/** Why a payment would not be settled even alone, if so. One that runs strangers' code has to be worth the risk, too. */
async function refusal(lane: Simulator, job: Job): Promise<Reason | undefined> {
  const { liable, key, call } = job;
  const penalty = liable && (await lane.penalties.refusal(liable));
  if (penalty !== undefined) return penalty;
  if ((await callAll(lane, [job]))[0] !== true) return await diagnose(lane, job);
  return liable && (await lane.penalties.reserve(key, liable, call.gasLimit));
}

const diagnose = ({ chain }: Simulator, job: Job): Promise<Reason> =>
  job.scheme.diagnose(job.payment, chain);

/** Whether each call succeeds, and would do something: its contracts are there. */
async function callAll(lane: Simulator, jobs: readonly Job[]): Promise<readonly boolean[]> {
  const [succeeded, deployed] = await Promise.all([
    runAll(lane, jobs),
    Promise.all(jobs.map(({ payment, call }) => isDeployed(lane.chain, payment, call))),
  ]);
  return jobs.map((_, index) => succeeded[index] === true && deployed[index] === true);
}

/**
 * Whether each call succeeds. What runs strangers' code is called with the price that its transaction will have: what
 * knows a simulation by its lack of one is found out.
 */
async function runAll(
  { chain, account }: Simulator,
  jobs: readonly Job[],
): Promise<readonly boolean[]> {
  const [first] = jobs;
  if (first === undefined) return [];
  const from = account.address;
  if (jobs.length > 1) {
    const call = aggregate(jobs.map((job) => job.call));
    const { ok, data } = await chain.call({ ...call, from, gas: gasOf(jobs) });
    return (ok ? aggregateResults(data, jobs.length) : undefined) ?? [];
  }
  const { to, data, gasLimit: gas } = first.call;
  const call = { to, data, from, gas };
  if (first.liable === undefined) return [(await chain.call(call)).ok];
  return [(await chain.call({ ...call, fees: await chain.fees(), untrusted: true })).ok];
}
