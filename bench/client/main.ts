/** What a paying `fetch` costs an agent. See ../README.md. */
import { fork } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { KINDS, SUBJECTS, type Kind, type Measured, type SubjectName } from "./protocol.ts";
import { report, type Point } from "./report.ts";
import { sizes } from "./sizes.ts";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    rounds: { type: "string" },
    seconds: { type: "string" },
    out: { type: "string", default: "client" },
  },
});
const rounds = Number(values.rounds ?? (values.quick ? 1 : 5));
const seconds = Number(values.seconds ?? (values.quick ? 1 : 3));

const points: Point[] = [];
for (let round = 0; round < rounds; round++) {
  for (const kind of KINDS) {
    // A B, then B A: what drifts on the machine hits all alike.
    for (const subject of round % 2 === 0 ? SUBJECTS : SUBJECTS.toReversed()) {
      if (!does(subject, kind)) continue;
      const measured = await measure(subject, kind);
      points.push({ subject, kind, round, ...measured });
      console.error(`${subject} ${kind}: ${measured.cpuMicros.toFixed(1)} µs CPU`);
    }
  }
}
// The bundle is in bench/node_modules/.cache/client.
const root = join(import.meta.dirname, "..", "..", "..", "..");
report(points, await sizes(root), { root, rounds, seconds, out: values.out });

/** Bare `fetch` pays nothing, and the official client not with the first request. */
function does(subject: SubjectName, kind: Kind): boolean {
  if (subject === "fetch") return kind === "free";
  return subject !== "official" || kind !== "first";
}

async function measure(subject: SubjectName, kind: Kind): Promise<Measured> {
  const child = fork(join(import.meta.dirname, "subject.mjs"), [subject, kind, String(seconds)], {
    env: { ...process.env, NODE_ENV: "production" },
  });
  return await new Promise((resolve, reject) => {
    child.once("message", (message) => {
      resolve(message as Measured);
      child.disconnect();
    });
    child.once("exit", (code) => reject(new Error(`${subject} ${kind} ended with ${code}`)));
  });
}
