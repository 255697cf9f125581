/** What the lines of a spend store's file say, and what they do to the book. */
import { newSpendBook, reserveSpend, takeSpend, updateSpend } from "./spend-book.ts";
import type { SpendBook, SpendPin, TakeOptions } from "./spend-book.ts";
import type { Spend, SpendChange, SpendLimit } from "./spend-store.ts";

/** A payment, and the process that was at it and is known to have ended. */
export type Gone = readonly [id: string, by: string];

export type FileOperation =
  | {
      readonly op: "reserve";
      readonly spend: Spend;
      readonly limits: readonly SpendLimit[];
      readonly pin?: SpendPin | undefined;
      /** The process of the owner. */
      readonly by: string;
      readonly gone: readonly Gone[];
    }
  | { readonly op: "update"; readonly id: string; readonly change: SpendChange }
  | {
      readonly op: "take";
      readonly request: string;
      readonly owner: string;
      readonly options: TakeOptions;
      readonly leaseUntilMs: number;
      readonly by: string;
      readonly gone: readonly Gone[];
    };

/** The book, and which process is at which open payment. */
export interface FileState {
  readonly book: SpendBook;
  readonly by: Map<string, string>;
}

export type Outcome = { readonly value: unknown } | { readonly error: unknown };

/** How many final payments a file keeps. All processes have to agree. */
const KEEP = 10_000;

export function newFileState(): FileState {
  return { book: newSpendBook(KEEP), by: new Map() };
}

/** Does what a line says, wherever it is read: the outcome is the same for everybody. */
export function applyOperation(state: FileState, operation: FileOperation): Outcome {
  try {
    return { value: apply(state, operation) };
  } catch (error) {
    return { error };
  }
}

function apply({ book, by }: FileState, operation: FileOperation): unknown {
  if (operation.op === "update") {
    const made = updateSpend(book, operation.id, operation.change);
    if (!book.open.has(operation.id)) by.delete(operation.id);
    return made;
  }
  // Somebody may have taken it in the meantime.
  const gone = operation.gone.filter(([id, name]) => by.get(id) === name).map(([id]) => id);
  if (operation.op === "reserve") {
    const { spend, limits, pin } = operation;
    const refusal = reserveSpend(book, spend, limits, pin, gone);
    if (refusal === undefined) by.set(spend.id, operation.by);
    for (const id of gone) if (!book.open.has(id)) by.delete(id);
    return refusal;
  }
  const { request, owner, options, leaseUntilMs } = operation;
  const taken = takeSpend(book, request, owner, options, leaseUntilMs, gone);
  if (taken !== undefined && "spend" in taken) by.set(taken.spend.id, operation.by);
  return taken;
}

/** The state as JSON. */
export function snapshotOf({ book, by }: FileState): unknown {
  return {
    spends: [...book.spends.values()],
    open: [...book.open],
    sums: Array.from(book.sums, ([key, steps]) => [key, [...steps]]),
    pins: [...book.pins],
    by: [...by].filter(([id]) => book.open.has(id)),
  };
}

/** @throws when it is no snapshot. */
export function stateOf(snapshot: unknown): FileState {
  const { spends, open, sums, pins, by } = snapshot as {
    spends: Spend[];
    open: string[];
    sums: [string, [number, number][]][];
    pins: [string, string][];
    by: [string, string][];
  };
  const state = newFileState();
  for (const spend of spends) state.book.spends.set(spend.id, spend);
  for (const id of open) state.book.open.add(id);
  for (const [key, steps] of sums) state.book.sums.set(key, new Map(steps));
  for (const [name, value] of pins) state.book.pins.set(name, value);
  for (const [id, name] of by) state.by.set(id, name);
  return state;
}
