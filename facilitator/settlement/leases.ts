import type { LocalAccount } from "viem";
import type { Ledger } from "../../src/ledger/ledger.ts";
import type { Lane } from "./lane.ts";

/** A lane that this process has leased. */
export interface LeasedLane {
  readonly lane: Lane;
  readonly sinceMs: number;
  /** It takes nothing new, and is given back as soon as it is at rest. */
  leaving: boolean;
}

/** The lanes of one chain that this process has leased, its share of all. */
export interface Leases {
  all(): readonly LeasedLane[];
  /** Leases again and again until `stop`. */
  start(): void;
  started(): boolean;
  /** Takes no more lanes. */
  close(): void;
  /** Ends the leasing, and gives the lanes back when nothing more is done with them. */
  stop(atRest: () => Promise<void>): Promise<void>;
}

export interface LeasesContext {
  readonly ledger: Ledger;
  readonly network: string;
  readonly signers: readonly LocalAccount[];
  /** Name of this process among the replicas. */
  readonly owner: string;
  /** Makes a lane of what its log holds. */
  open(name: string, account: LocalAccount, fence: number): Promise<Lane>;
  onAcquired(lane: Lane): void;
  /** Called when a lane was given up. */
  onLost(lane: Lane): void;
  /** Called in every round, after the leases were renewed. */
  onRound(): void;
  /** Whether payments wait for a lane. */
  isUrgent(): boolean;
  /** Whether payments wait for this very lane, because no other signer can send them. */
  isWanted(name: string): boolean;
  failed(step: string, error: unknown): void;
}

const LANE_LEASE_MS = 4000;
export const ROUND_MS = 1000;
/** A lane is passed on after this long when there are more replicas than lanes. */
const TURN_MS = 3000;
/** Whoever gave a lane up leaves it to the others for this long, and takes no other but for payments that wait for it. */
const REST_MS = 2500;

/** A lane's name in the ledger. */
export const laneName = (network: string, signer: string): string =>
  `${network}:${signer.toLowerCase()}`;

export function createLeases(context: LeasesContext): Leases {
  const { ledger, network, signers, owner, failed } = context;
  const lanes = new Map<string, LeasedLane>();
  let leases = 0;
  let taking: Promise<void> | undefined;
  /** Until when a lane that was given up is left to the others. */
  const rests = new Map<string, number>();
  let running = false;
  let closing = false;
  let wake = (): void => undefined;

  const nameOf = (account: LocalAccount) => laneName(network, account.address);

  /** Keeps what is leased and gives up what has to go; all lanes at once, for a lease is short. */
  async function round(): Promise<void> {
    const live = await ledger.lanes.announce(network, owner, 3 * ROUND_MS);
    const share = Math.max(1, Math.ceil(signers.length / live));
    let extra = lanes.size - share;
    const contested = live > 1 ? await contestedLanes() : new Set<string>();
    const ends = await Promise.allSettled(
      [...lanes].map(async ([name, leased]) => {
        const others = live > signers.length || contested.has(name);
        const turnIsOver = others && Date.now() - leased.sinceMs > TURN_MS;
        leased.leaving = extra-- > 0 || turnIsOver;
        const { lane } = leased;
        const lost = lane.broken() || !(await ledger.lanes.renew(name, lane.fence, LANE_LEASE_MS));
        if (lost) return await drop(lane);
        if (!leased.leaving || !lane.atRest()) return;
        rests.set(name, Date.now() + REST_MS);
        await drop(lane);
      }),
    );
    for (const end of ends) if (end.status === "rejected") failed("lease", end.reason);
    if (taking === undefined) {
      taking = takeFree(share).finally(() => {
        taking = undefined;
      });
    }
    context.onRound();
  }

  /**
   * The lanes of this process that others want as well. Whoever has a lane, or has payments that only its signer can
   * send, says so under its name.
   */
  async function contestedLanes(): Promise<ReadonlySet<string>> {
    const names = signers.map(nameOf).filter((name) => lanes.has(name) || context.isWanted(name));
    const counts = await Promise.all(
      names.map((name) => ledger.lanes.announce(name, owner, 3 * ROUND_MS)),
    );
    return new Set(names.filter((name, index) => lanes.has(name) && (counts[index] ?? 1) > 1));
  }

  /** Whether payments wait for a lane that this process does not have. */
  const lacksWanted = (): boolean =>
    signers.map(nameOf).some((name) => !lanes.has(name) && context.isWanted(name));

  /** Leases what nobody has, up to this process's share, and what is wanted. May take long, and is not waited for. */
  async function takeFree(share: number): Promise<void> {
    for (const [name, untilMs] of rests) if (untilMs <= Date.now()) rests.delete(name);
    const wanted = signers.filter((account) => context.isWanted(nameOf(account)));
    for (const account of new Set([...wanted, ...(rests.size === 0 ? signers : [])])) {
      const name = nameOf(account);
      if (closing) break;
      if (rests.has(name) || lanes.has(name) || (lanes.size >= share && !wanted.includes(account)))
        continue;
      await take(name, account).catch((error: unknown) => failed("lease", error));
    }
  }

  async function take(name: string, account: LocalAccount): Promise<void> {
    const fence = await ledger.lanes.acquire(name, `${owner}:${++leases}`, LANE_LEASE_MS);
    if (fence === undefined) return;
    let lane: Lane;
    try {
      lane = await context.open(name, account, fence);
    } catch (error) {
      await ledger.lanes.release(name, fence);
      throw error;
    }
    lanes.set(name, { lane, sinceMs: Date.now(), leaving: false });
    context.onAcquired(lane);
  }

  /** Gives a lane up. What it has under way is in its log. */
  async function drop(lane: Lane): Promise<void> {
    lanes.delete(lane.name);
    lane.abandon();
    context.onLost(lane);
    await ledger.lanes.release(lane.name, lane.fence);
  }

  /** The pause keeps no process alive: what is under way does. */
  async function run(): Promise<void> {
    for (;;) {
      if (!running) return;
      await round().catch((error: unknown) => failed("lease", error));
      await new Promise<void>((resolve) => {
        wake = resolve;
        const urgent = (lanes.size === 0 && context.isUrgent()) || lacksWanted();
        setTimeout(resolve, urgent ? ROUND_MS / 4 : ROUND_MS).unref();
      });
    }
  }

  return {
    all: () => [...lanes.values()],
    start() {
      if (running || closing) return;
      running = true;
      void run();
    },
    started: () => running,
    close() {
      closing = true;
    },
    async stop(atRest) {
      closing = true;
      running = false;
      wake();
      await taking;
      await atRest();
      for (const { lane } of lanes.values()) await drop(lane).catch(() => undefined);
    },
  };
}
