import { ownerCount } from "./model.ts";

export type HoldStep =
  | { op: "hold"; account: string; id: string; amount: bigint; available: bigint; ttlMs: number }
  | { op: "unhold"; account: string; id: string };

/** What can be asked about lanes; `age` says how many owners ago the fence was that the caller holds. */
export type LaneStep =
  | { op: "acquire"; lane: string; owner: string; leaseMs: number }
  | { op: "renewLane"; lane: string; age: number; leaseMs: number }
  | { op: "releaseLane"; lane: string; age: number }
  | { op: "record"; lane: string; age: number; hash: string; nonce: number }
  | { op: "retire"; lane: string; age: number; hashes: string[] }
  | { op: "open"; lane: string };

interface Clock {
  now: number;
}

export function holdModel(clock: Clock) {
  const holds: { account: string; id: string; amount: bigint; until: number }[] = [];

  return (step: HoldStep): unknown => {
    const { account, id } = step;
    const old = holds.findIndex((hold) => hold.account === account && hold.id === id);
    if (step.op === "unhold") {
      if (old !== -1) holds.splice(old, 1);
      return undefined;
    }
    const others = holds.filter(
      (hold) => hold.account === account && hold.id !== id && hold.until > clock.now,
    );
    const total = others.reduce((sum, { amount }) => sum + amount, step.amount);
    if (total > step.available) return false;
    if (old !== -1) holds.splice(old, 1);
    holds.push({ account, id, amount: step.amount, until: clock.now + step.ttlMs });
    return true;
  };
}

interface Lane {
  /** The how-manieth owner has it; 0: it was given back. */
  owner: number;
  name: string;
  until: number;
  log: { hash: string; nonce: number }[];
}

export function laneModel(clock: Clock) {
  const lanes = new Map<string, Lane>();
  const owners = ownerCount();

  function answer(step: LaneStep): unknown {
    const lane = lanes.get(step.lane) ?? { owner: 0, name: "", until: 0, log: [] };
    lanes.set(step.lane, lane);
    const age = "age" in step ? step.age : 0;
    const owned = lane.owner > 0 && lane.owner === owners.of(step.lane) - age;
    switch (step.op) {
      case "acquire":
        if (lane.owner === 0 || lane.name !== step.owner) {
          if (lane.owner > 0 && lane.until > clock.now) return undefined;
          lane.owner = owners.next(step.lane);
          lane.name = step.owner;
        }
        lane.until = clock.now + step.leaseMs;
        return lane.owner;
      case "renewLane":
        if (owned) lane.until = clock.now + step.leaseMs;
        return owned;
      case "releaseLane":
        if (owned) lane.owner = 0;
        return undefined;
      case "record": {
        const { hash, nonce } = step;
        if (!owned || lane.until <= clock.now) return false;
        if (lane.log.every((one) => one.hash !== hash)) lane.log.push({ hash, nonce });
        return true;
      }
      case "retire":
        if (owned) lane.log = lane.log.filter(({ hash }) => !step.hashes.includes(hash));
        return owned;
      default:
        return lane.log.toSorted((a, b) => a.nonce - b.nonce);
    }
  }

  return { answer, owners: owners.of };
}
