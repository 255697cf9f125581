/** Connections break between a paying `fetch` and a site of ours: it costs nothing, and what was paid for comes. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { LONG } from "../../fault/world.ts";
import { counted, inParallel, runOnce, type Run } from "./run.ts";
import { startLostWorld, type LostWorld } from "./world.ts";

const RUNS = LONG ? 1500 : 150;
/** Few enough that a busy machine answers each in time. */
const WIDTH = 20;
const SEED = Number(process.env["FAULT_SEED"] ?? Date.now() % 1_000_000);

let world: LostWorld;
beforeAll(async () => {
  world = await startLostWorld();
}, 60_000);
afterAll(() => world.stop());

test(
  `${RUNS} runs (FAULT_SEED=${SEED}): each call is debited at most once, and what is debited is delivered`,
  async () => {
    const runs = await inParallel(RUNS, WIDTH, (index) => runOnce(world, SEED * 10_000 + index));
    const debits = await world.debits();
    const found = runs.flatMap((run) => {
      const what = violations(run, debits.get(run.calls[0]!.payee) ?? []);
      return what.length === 0 ? [] : [`${what.join("; ")} ${JSON.stringify(run)}`];
    });
    expect(found.slice(0, 10), `${found.length} of ${summary(runs)}`).toEqual([]);
  },
  LONG ? 900_000 : 60_000,
);

function violations(run: Run, debits: readonly bigint[]): string[] {
  const { calls, purchase, signed, counted: spent, states } = run;
  const found: string[] = [];
  const check = (holds: boolean, what: string) => void (holds || found.push(what));
  const delivered = calls.filter((call) => call.delivered === "exact").length;
  check(debits.length <= calls.length, `O2: ${debits.length} debits for ${calls.length} calls`);
  check(
    debits.every((value) => value === 10_000n),
    "O2: another amount",
  );
  check(delivered >= debits.length, `O3: ${debits.length} debits, ${delivered} deliveries`);
  check(delivered <= debits.length, `O1: ${debits.length} debits, ${delivered} deliveries`);
  check(!calls.some((call) => call.delivered === "other"), "delivered: other bytes");
  // A server that cannot read a payment says so, and nothing is delivered that was not paid.
  const broken = purchase.plan.paid.filter((fault) => fault?.kind === "garbled request").length;
  if (broken === 0) check(delivered === calls.length, "nothing was delivered");
  if (spent !== undefined) {
    check(spent === counted(signed), `budget: ${spent} for ${signed} nonces`);
    const open = states.filter((state) => /^(reserved|pending|answered)$/.test(state));
    check(delivered < calls.length || open.length === 0, `left open: ${open.join()}`);
  }
  return found;
}

function summary(runs: readonly Run[]): string {
  const tries = runs.reduce((sum, { calls }) => sum + calls.at(-1)!.story.length, 0);
  const faults = runs.flatMap(({ purchase: { plan } }) =>
    [...plan.paid, ...plan.unpaid].flatMap((fault) => fault?.kind ?? []),
  );
  const kinds = [...new Set(faults)]
    .map((kind) => `${kind} ${faults.filter((each) => each === kind).length}`)
    .join(", ");
  return `${runs.length} runs, ${tries} calls of fetch; ${kinds}`;
}
