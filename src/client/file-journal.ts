/** The lines of a spend store's files, read and applied in their order. */
import { complaint, parse } from "./file-generation.ts";
import type { Generation } from "./file-generation.ts";
import { createNext, openNewest } from "./file-generations.ts";
import { applyOperation, newFileState, snapshotOf, stateOf } from "./file-operations.ts";
import type { FileOperation, FileState, Outcome } from "./file-operations.ts";

type Line =
  | { readonly moved: number; readonly token?: never; readonly operation?: never }
  | { readonly moved?: never; readonly token: string; readonly operation: FileOperation };

/** Told of each line; has it done by calling `apply`, once. */
export type OnLine = (token: string, apply: () => Outcome) => void;

export interface Journal {
  /** What everything that was read came to. */
  state(): FileState;
  /**
   * Reads what was added since, and goes on with the next file where one was ended.
   *
   * @returns whether one was: what was appended to it after its end does not count.
   */
  catchUp(onLine: OnLine): Promise<boolean>;
  /** Adds lines, each with a name that it is recognised by. */
  append(lines: readonly (readonly [token: string, operation: FileOperation])[]): Promise<void>;
  /** Closes the file. It is read from its beginning next time. */
  forget(): Promise<void>;
}

/** Ends a file, once it has more bytes than this and twice what it began with. */
export function openJournal(path: string, compactBytes: number): Journal {
  let state = newFileState();
  let generation: Generation | undefined;

  /** Whether the file was ended. */
  function applyLines(lines: readonly string[], onLine: OnLine): boolean {
    for (const text of lines) {
      const line = parseLine(text);
      if (line?.moved !== undefined) return true;
      if (line !== undefined) onLine(line.token, () => applyOperation(state, line.operation));
    }
    return false;
  }

  async function forget(): Promise<void> {
    const old = generation;
    generation = undefined;
    await old?.close();
  }

  return {
    state: () => state,
    async catchUp(onLine) {
      for (let moved = false; ; moved = true) {
        if (generation === undefined) {
          generation = await openNewest(path, snapshotOf(newFileState()));
          state = stateOf(generation.snapshot);
        }
        if (!applyLines(await generation.readLines(), onLine)) return moved;
        const { number } = generation;
        await forget();
        await createNext(path, number, snapshotOf(state));
      }
    },
    async append(lines) {
      if (generation === undefined) throw complaint(`${path} is not open`);
      const texts = lines.map(([token, operation]) => JSON.stringify({ token, operation }));
      const isLong = generation.size() > Math.max(compactBytes, 2 * generation.firstBytes);
      if (isLong) texts.push(JSON.stringify({ moved: generation.number + 1 }));
      await generation.append(texts);
    },
    forget,
  };
}

/** Nothing: an empty line, or what a process that was killed has left of one. */
function parseLine(text: string): Line | undefined {
  const line = parse(text) as Partial<Line> | null | undefined;
  if (typeof line?.moved === "number") return { moved: line.moved };
  const { token, operation } = line ?? {};
  return typeof token === "string" && operation ? { token, operation } : undefined;
}
