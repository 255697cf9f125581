import { SPEND_STEPS } from "../../../src/client/spend-store.ts";
import type { Spend, SpendLimit, SpendScope } from "../../../src/client/spend-store.ts";

/**
 * What is right, from a plain list of payments; windows are what lies between the exact sliding window, and one that is
 * a step longer.
 */
export function spendModel() {
  const spends: Spend[] = [];
  const pins = new Map<string, string>();

  function spent(scope: SpendScope, unit: string, nowMs: number, seconds?: number) {
    const { stepSeconds = 0 } =
      SPEND_STEPS.find((step) => (seconds ?? 0) <= step.upToSeconds) ?? {};
    const since = (length = Number.POSITIVE_INFINITY): number =>
      spends
        .filter((spend) => spend.state !== "released" && spend.unit === unit)
        .filter((spend) => isIn(spend, scope) && spend.atMs > nowMs - length * 1000)
        .reduce((sum, { value }) => sum + value, 0);
    return { least: since(seconds), most: since(seconds && seconds + stepSeconds) };
  }

  const find = (id: string): Spend | undefined => spends.find((spend) => spend.id === id);
  const change = (id: string, to: Partial<Spend>): void => {
    const at = spends.findIndex((spend) => spend.id === id);
    spends[at] = { ...(spends[at] as Spend), ...to };
    if (spends[at].state === "released" || spends[at].state === "paid") {
      const { payload: _, headers: __, ...rest } = spends[at];
      spends[at] = rest;
    }
  };

  return {
    spends,
    spent,
    find,
    /** Nothing is wrong: the answer of a store is one that it may give. */
    reserve(
      spend: Spend,
      limits: readonly SpendLimit[],
      pin: { name: string; value: string } | undefined,
      answer: unknown,
    ): string | undefined {
      for (const { id, state, leaseUntilMs } of spends)
        if (state === "reserved" && leaseUntilMs <= spend.atMs) change(id, { state: "released" });
      const pinned = pin && pins.get(pin.name);
      if (pinned !== undefined && pinned !== pin?.value)
        return JSON.stringify(answer) === JSON.stringify({ pinned }) ? undefined : "must be pinned";
      const about = limits.filter(({ unit, scope }) => unit === spend.unit && isIn(spend, scope));
      const sums = about.map((limit) =>
        spent(limit.scope, limit.unit, spend.atMs, limit.windowSeconds),
      );
      if (answer === undefined) {
        if (about.some(({ max }, i) => (sums[i]?.least ?? 0) + spend.value > max))
          return "exceeds a limit";
        if (pin) pins.set(pin.name, pin.value);
        spends.push(spend);
        return undefined;
      }
      const { limit, spent: counted } = answer as { limit: SpendLimit; spent: number };
      const sum = sums[about.findIndex((other) => JSON.stringify(other) === JSON.stringify(limit))];
      if (sum === undefined) return "refuses by no limit of its own";
      if (counted < sum.least || counted > sum.most) return "counts wrongly";
      return counted + spend.value > limit.max ? undefined : "refuses what is within the limit";
    },
    update(id: string, to: Partial<Spend>): boolean {
      const before = find(id);
      if (before === undefined || before.state === "released") return false;
      change(id, to);
      return true;
    },
    take(request: string, owner: string, nowMs: number, takeover: boolean, leaseMs?: number) {
      const left = spends.filter(
        (spend) =>
          spend.request === request &&
          ((["pending", "answered"].includes(spend.state) &&
            spend.expiresAtMs + 86_400_000 >= nowMs) ||
            (spend.state === "rejected" && spend.expiresAtMs >= nowMs)) &&
          !(spend.owner === owner && spend.leaseUntilMs > nowMs),
      );
      const free = left.find(({ leaseUntilMs }) => takeover || leaseUntilMs <= nowMs);
      if (free === undefined) return left[0] && { heldUntilMs: left[0].leaseUntilMs };
      const leaseUntilMs = leaseMs === undefined ? Number.MAX_SAFE_INTEGER : nowMs + leaseMs;
      change(free.id, { owner, leaseUntilMs });
      return { spend: find(free.id) };
    },
  };
}

function isIn({ host, payTo }: Spend, scope: SpendScope): boolean {
  return ["total", `host:${host}`, `payee:${payTo.toLowerCase()}`].includes(scope);
}
