/** What a run buys, and what goes wrong in it: by chance, with a seed. */
import type { Random } from "../../fault/storm.ts";
import type { Garbage } from "./messages.ts";
import type { Cut, Fault, Place, Plan } from "./proxy.ts";

export interface Purchase {
  readonly method: "GET" | "POST";
  readonly settle: "before" | "after";
  /** Whether the site declares `payment-identifier`. */
  readonly identifier: boolean;
  /** A stream of no known length, or a response in one piece. */
  readonly stream: boolean;
  readonly size: number;
  /** Body of a POST: as text, or as a stream of no known length. */
  readonly sends: "text" | "stream";
  /** Paid with the first request. */
  readonly payFirst: boolean;
  /** With a spend store and budgets, or with nothing but what calls remember. */
  readonly budgets: boolean;
  readonly attempts: number;
  readonly plan: Plan;
}

/** How long a client of these tests waits for an answer. */
export const TIMEOUT_MS = 2500;
/** Runs of a handler whose stream is cut off are counted, and the third is the last. */
const MAX_STREAM_CUTS = 2;

export function newPurchase(random: Random): Purchase {
  const { pick, next } = random;
  const purchase = {
    method: pick(["GET", "GET", "POST"] as const),
    settle: pick(["before", "after"] as const),
    identifier: pick([true, false]),
    stream: pick([true, false]),
    size: pick([0, 1, 300, 300, 5000, 70_000, 1_200_000]),
    sends: pick(["text", "stream"] as const),
    payFirst: next() < 0.2,
    budgets: next() < 0.85,
    attempts: pick([1, 2, 3]),
  };
  return { ...purchase, plan: newPlan(random, purchase) };
}

function newPlan(random: Random, purchase: { size: number; method: string }): Plan {
  const { pick, next, int } = random;
  const faults = pick([1, 1, 1, 2, 2, 3]);
  const unpaid: (Fault | undefined)[] = [];
  const paid: (Fault | undefined)[] = [];
  const refused: number[] = [];
  let cuts = 0;
  for (let n = 0; n < faults; n++) {
    const where = next();
    if (where < 0.08) refused.push(int(0, 3));
    else if (where < 0.3)
      unpaid.push(...(pick([true, false]) ? [undefined] : []), anUnpaid(random));
    else {
      const fault = aPaid(random, purchase.size);
      const isCut = fault.kind === "cut reply" || fault.kind === "late reply";
      if (isCut && ++cuts > MAX_STREAM_CUTS) continue;
      paid.push(fault);
    }
  }
  return { unpaid, paid, refused, oneEach: next() < 0.3 };
}

function anUnpaid(random: Random): Fault {
  const { pick, int } = random;
  const garbled: Garbage[] = ["start", "line", "longer", "length", "value", "name", 409, 500];
  return pick<() => Fault>([
    () => cutRequest(random),
    () => ({
      kind: "cut reply",
      at: place(random, 300),
      how: pick<Cut>(["rst", "fin"]),
      drained: pick([true, false]),
    }),
    () => ({ kind: "late reply", at: place(random, 300), ms: int(10, 300), drained: false }),
    () => ({ kind: "twice", reply: pick([0, 1] as const), apartMs: pick([0, 0, 5, 50]) }),
    () => ({ kind: "garbled reply", how: pick(garbled) }),
    () => ({ kind: "garbled request", how: pick(["start", "line", "longer", "length"]) }),
  ])();
}

function aPaid(random: Random, size: number): Fault {
  const { pick } = random;
  const drained = pick([true, false]);
  const garbled = ["start", "line", "longer", "length", "smaller chunk", "larger chunk"] as const;
  const told = ["no chunk", "value", "name", 402, 409, 500] as const;
  const cutReply = (): Fault => {
    const at = place(random, size);
    return { kind: "cut reply", at, how: pick<Cut>(["rst", "fin"]), drained };
  };
  return pick<() => Fault>([
    () => cutRequest(random),
    cutReply,
    cutReply,
    cutReply,
    () => ({ kind: "late request", ms: TIMEOUT_MS + 200 }),
    () => ({ kind: "late reply", at: place(random, size), ms: TIMEOUT_MS + 200, drained }),
    () => ({ kind: "twice", reply: pick([0, 1] as const), apartMs: pick([0, 0, 5, 50]) }),
    () => ({ kind: "garbled reply", how: pick<Garbage>([...garbled, ...told]) }),
    () => ({ kind: "garbled reply", how: pick<Garbage>([...garbled, ...told]) }),
    () => ({ kind: "garbled request", how: pick(["start", "line", "longer", "length", "value"]) }),
  ])();
}

function cutRequest({ pick, next }: Random): Fault {
  return { kind: "cut request", part: pick([0, next(), 0.99, 1]), how: pick<Cut>(["rst", "fin"]) };
}

function place({ pick, int }: Random, size: number): Place {
  return pick<() => Place>([
    () => ({ from: "start", bytes: 0 }),
    () => ({ from: "start", bytes: int(1, 400) }),
    () => ({ from: "body", bytes: int(0, Math.max(1, size)) }),
    () => ({ from: "body", bytes: int(0, Math.max(1, size)) }),
    () => "last",
    () => "end",
  ])();
}
