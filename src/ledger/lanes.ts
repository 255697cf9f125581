/**
 * What replicas share of their signers' lanes: who may send with a key right now, and what it has sent.
 *
 * A lane is one signer on one chain, named `<network>:<signer>`. Its log holds every signed transaction before any node
 * has seen it, until it is beyond doubt. Whoever takes a lane over finds there all that may be on its way.
 */
export interface LaneTransaction {
  readonly version: 1;
  /** Hash of the transaction (`0x…`). Several of one nonce are versions of each other: a fee bump makes a new one. */
  readonly hash: string;
  /** The signed transaction, to be sent again as it is. */
  readonly raw: string;
  readonly nonce: number;
  /** Payment keys that it settles, in the order of its calls. Empty: it only uses a nonce up. */
  readonly members: readonly string[];
}

export interface LaneStore {
  /** Says that this owner is alive, and answers how many owners of the group are. */
  announce(group: string, owner: string, ttlMs: number): Promise<number>;
  /** Leases a lane. The fence, or nothing when somebody else has it. The owner gets the same fence again. */
  acquire(lane: string, owner: string, leaseMs: number): Promise<number | undefined>;
  /** False: the lane is lost, and nothing more may be sent with it. */
  renew(lane: string, fence: number, leaseMs: number): Promise<boolean>;
  /** Ends the lease, so that others need not wait for its end. */
  release(lane: string, fence: number): Promise<void>;
  /** Writes a transaction into the log. False: the lane is lost; the transaction must not be sent. */
  record(lane: string, fence: number, transaction: LaneTransaction): Promise<boolean>;
  /** The log, by nonce, versions of one nonce in the order of their recording. */
  open(lane: string): Promise<LaneTransaction[]>;
  /** Removes transactions, by hash, that are beyond doubt or were never sent. False: the lane is lost. */
  retire(lane: string, fence: number, hashes: readonly string[]): Promise<boolean>;
}
