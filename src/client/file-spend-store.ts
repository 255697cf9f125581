/** `farthing/client/file`: spending in a file that several processes share. */
import { resolve } from "node:path";
import { fileUnavailable } from "./file-errors.ts";
import { openJournal } from "./file-journal.ts";
import type { FileOperation, FileState, Gone, Outcome } from "./file-operations.ts";
import { hasEnded, processName } from "./file-process.ts";
import { findSpend, listSpends, sumSpends } from "./spend-book.ts";
import type { Spend, SpendRefusal, SpendStore, TakenSpend } from "./spend-store.ts";

export interface FileSpendStoreOptions {
  /** For how many milliseconds a payment is held without being renewed. Default: 10,000. */
  readonly leaseMs?: number;
  /** From how many bytes on a file is replaced by a shorter one. Default: 4 MiB. */
  readonly compactBytes?: number;
}

/** Spending in a file. */
export interface FileSpendStore extends SpendStore {
  readonly leaseMs: number;
  /** Ends the store, after the operations that were asked for. */
  close(): Promise<void>;
}

/** A call. It is answered by looking at the book, or by what its line comes to. */
interface Job {
  readonly name: "reserve" | "update" | "take" | "spent" | "list";
  /** Nothing: looking is not enough. */
  readonly look?: (state: FileState) => Outcome | undefined;
  readonly line?: (state: FileState) => FileOperation;
  done?: true;
  readonly finish: (outcome: Outcome) => void;
}

/**
 * Spending in files that the processes of one machine share, whichever of them is killed and whenever. What a call has
 * changed is on the disk before it returns. `path` is made with the first call, with its folder, and beside it `path.1`,
 * `path.2` and so on, which hold the payments: on a local disk, since network file systems do not append. Every payment
 * whose fate is open is kept, and the newest 10,000 others; sums are kept for ever. Time is the callers'.
 *
 * Every change is a line that is appended in one piece. Every process reads all lines and does what they say, in their
 * order, so that all come to the same, and each learns what its own line came to.
 *
 * @throws TypeError for an empty path, or options that cannot work.
 */
export function fileSpendStore(path: string, options: FileSpendStoreOptions = {}): FileSpendStore {
  const { leaseMs = 10_000, compactBytes = 4 * 1024 * 1024 } = options;
  if (path === "") throw new TypeError("spend: the path is empty");
  for (const [name, number] of Object.entries({ leaseMs, compactBytes }))
    if (!Number.isSafeInteger(number) || number < 1)
      throw new TypeError(`spend: ${name} is not a positive whole number`);
  const file = resolve(path);
  const journal = openJournal(file, compactBytes);
  const by = processName();
  const writer = crypto.randomUUID();
  const untold = new Set<string>();
  let tokens = 0;
  let queue: Job[] = [];
  let working: Promise<void> | undefined;
  let closed = false;

  function ask<T>(name: Job["name"], how: Pick<Job, "look" | "line">): Promise<T> {
    return new Promise((answer, fail) => {
      const finish = (outcome: Outcome): void =>
        "error" in outcome ? fail(outcome.error) : answer(outcome.value as T);
      if (closed) finish({ error: fileUnavailable(name, file, new Error("the store is closed")) });
      else queue.push({ name, ...how, finish });
      working ??= workOff();
    });
  }

  /** What has gathered while the disk was busy is done together. */
  async function workOff(): Promise<void> {
    await Promise.resolve(); // what is asked for in this turn too
    while (queue.length > 0) {
      const jobs = queue;
      queue = [];
      try {
        await work(jobs);
      } catch (error) {
        await journal.forget().catch(() => undefined);
        for (const job of jobs) settle(job, { error: fileUnavailable(job.name, file, error) });
      }
    }
    working = undefined;
  }

  async function work(jobs: readonly Job[]): Promise<void> {
    await journal.catchUp((_, apply) => apply());
    for (;;) {
      // As far as looking is enough; what comes after a change waits for it.
      for (const job of jobs) if (!job.done && !look(job)) break;
      const left = jobs.filter((job) => !job.done);
      if (left.length === 0) return;
      const own = new Map<string, Job>();
      const lines: [string, FileOperation][] = [];
      for (const job of left) {
        const operation = job.line?.(journal.state());
        if (operation === undefined) continue;
        const token = `${writer} ${++tokens}`;
        own.set(token, job);
        lines.push([token, operation]);
      }
      await journal.append(lines);
      let next = 0;
      const moved = await journal.catchUp((token, apply) => {
        const job = own.get(token);
        if (job === undefined) {
          apply();
        } else {
          while (left[next] !== job) glance(left[next++]);
          settle(job, apply());
        }
      });
      if (!moved && [...own.values()].some((job) => !job.done))
        throw new Error("what was written cannot be read again");
    }
  }

  function look(job: Job): boolean {
    const outcome = job.look?.(journal.state());
    if (outcome !== undefined) settle(job, outcome);
    return outcome !== undefined;
  }

  /** Answers a call that has no line, at its place between those that have. */
  function glance(job: Job | undefined): void {
    if (job?.done !== true && job?.line === undefined) look(job as Job);
  }

  /** What was taken by calls that failed, and were not told. */
  const takenUntold = ({ book, by: at }: FileState): Gone[] =>
    untold.size === 0
      ? []
      : Array.from(book.open, (id) => book.spends.get(id) as Spend)
          .filter(({ leaseUntilMs, owner }) => untold.has(`${leaseUntilMs} ${owner}`))
          .map(({ id }) => [id, at.get(id) ?? ""]);

  const relevant = ({ book, by: at }: FileState, isMeant: (spend: Spend) => boolean): Gone[] => {
    const gone: Gone[] = [];
    for (const id of book.open) {
      const [spend, name] = [book.spends.get(id), at.get(id)];
      if (spend && name !== undefined && isMeant(spend) && hasEnded(name)) gone.push([id, name]);
    }
    return gone;
  };

  return {
    leaseMs,
    async reserve(spend, limits, pin) {
      const given = plain({ spend, limits, pin });
      return await ask<SpendRefusal | undefined>("reserve", {
        line: (state) => ({
          op: "reserve",
          ...given,
          by,
          gone: relevant(state, (other) => other.state === "reserved"),
        }),
      });
    },
    async update(id, change) {
      const given = plain({ id, change });
      return await ask<boolean>("update", { line: () => ({ op: "update", ...given }) });
    },
    async take(request, owner, { nowMs, takeover }) {
      const leaseUntilMs = nowMs + leaseMs;
      const given = { request, owner, options: { nowMs, takeover }, leaseUntilMs };
      const gone = (state: FileState): Gone[] => [
        ...relevant(state, (other) => other.request === request),
        ...takenUntold(state),
      ];
      const name = `${leaseUntilMs} ${owner}`;
      try {
        const taken = await ask<TakenSpend | undefined>("take", {
          look: (state) => {
            const ids = gone(state).map(([id]) => id);
            const value = findSpend(state.book, request, owner, given.options, ids);
            return value !== undefined && "spend" in value ? undefined : { value };
          },
          line: (state) => ({ op: "take", ...given, by, gone: gone(state) }),
        });
        if (taken !== undefined && "spend" in taken) untold.delete(name);
        return taken;
      } catch (error) {
        untold.add(name);
        throw error;
      }
    },
    async spent(...args) {
      return await ask<number>("spent", {
        look: ({ book }) => attempt(() => sumSpends(book, ...args)),
      });
    },
    async list(listing) {
      return await ask<Spend[]>("list", {
        look: ({ book }) => ({ value: listSpends(book, listing) }),
      });
    },
    async close() {
      closed = true;
      await working;
      await journal.forget();
    },
  };
}

function settle(job: Job, outcome: Outcome): void {
  if (job.done) return;
  job.done = true;
  job.finish(outcome);
}

/** As the file will have it, whatever the caller does with it afterwards. */
function plain<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

function attempt(read: () => unknown): Outcome {
  try {
    return { value: read() };
  } catch (error) {
    return { error };
  }
}
