import { afterEach, beforeEach, vi } from "vitest";

/** Waits between two presentations of a payment are none; the time that an answer may take stays. */
export function withoutWaits(): void {
  beforeEach(() => {
    const real = globalThis.setTimeout;
    vi.spyOn(globalThis, "setTimeout").mockImplementation((run: () => void, ms = 0) =>
      real(run, ms < 30_000 ? 0 : ms),
    );
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });
}
