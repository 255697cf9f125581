import { abortable } from "./sleep.ts";

/** Places for the calls that pay. */
export interface PaymentSlots {
  /** Waits for a place; the function that comes back leaves it. */
  enter(host: string): Promise<() => void>;
  /** Does something at a place, if the signal does not end the waiting for one. */
  run<T>(host: string, signal: AbortSignal | null | undefined, work: () => Promise<T>): Promise<T>;
}

/**
 * Limits how many calls may be paying at the same time, in all and to one host; the others wait, in order of arrival.
 *
 * @throws TypeError when a limit is not positive.
 */
export function limitConcurrency(limits: {
  readonly total?: number;
  readonly perHost?: number;
}): PaymentSlots {
  const total = queue("total", limits.total);
  const hosts = new Map<string, ReturnType<typeof queue>>();
  queue("perHost", limits.perHost);
  return {
    async enter(host) {
      const own = hosts.get(host) ?? queue("perHost", limits.perHost);
      hosts.set(host, own);
      await own.enter();
      await total.enter();
      return () => {
        total.leave();
        own.leave();
        if (own.isEmpty()) hosts.delete(host);
      };
    },
    async run(host, signal, work) {
      const place = this.enter(host);
      try {
        await abortable(place, signal);
        return await work();
      } finally {
        // Also when it comes too late.
        place.then((leave) => leave()).catch(() => undefined);
      }
    },
  };
}

function queue(name: string, places = Number.POSITIVE_INFINITY) {
  if (!(places >= 1)) throw new TypeError(`limitConcurrency: ${name} is not a positive number`);
  let taken = 0;
  const waiting: (() => void)[] = [];
  return {
    async enter() {
      if (taken < places) taken += 1;
      else await new Promise<void>((resolve) => waiting.push(resolve));
    },
    /** The place goes to who has waited longest. */
    leave() {
      const next = waiting.shift();
      if (next === undefined) taken -= 1;
      else next();
    },
    isEmpty: () => taken === 0,
  };
}
