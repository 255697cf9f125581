/** Ends the output of `npm test` with one plain line: `N passed, N failed, N skipped`. */
import type { Reporter, SerializedError, TestModule } from "vitest/node";

export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** What the counting needs of vitest's modules. */
type Countable = Pick<TestModule, "errors"> & {
  children: {
    allTests(): Iterable<{ result(): { state: string } }>;
    allSuites(): Iterable<{ errors(): readonly unknown[] }>;
  };
};

/** Counts tests. What fails outside of a test (a file that does not load, a hook, a stray rejection) counts too. */
export function countTests(modules: readonly Countable[], unhandledErrors: number): Counts {
  const counts: Counts = { passed: 0, failed: unhandledErrors, skipped: 0 };
  for (const module of modules) {
    counts.failed += module.errors().length;
    for (const suite of module.children.allSuites()) counts.failed += suite.errors().length;
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state === "passed" || state === "failed") counts[state]++;
      else counts.skipped++;
    }
  }
  return counts;
}

export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    const { passed, failed, skipped } = countTests(modules, errors.length);
    process.stdout.write(`\n${passed} passed, ${failed} failed, ${skipped} skipped\n`);
  }
}
