/**
 * Shares the event loop: runs work that keeps the CPU busy for so long in one turn of it, and what is beyond in the turns
 * after. A burst of it would hold up everything else, the answers of nodes and stores to the payments before.
 *
 * @returns runs a piece of work; pieces begin in the order of their asking.
 */
export function createTurns(budgetMs: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let spentMs = 0;
  let ending = false;

  function run<T>(work: () => Promise<T>): Promise<T> {
    if (!ending) setImmediate(turn);
    ending = true;
    const startMs = performance.now();
    const result = work();
    spentMs += performance.now() - startMs;
    return result;
  }

  function turn(): void {
    spentMs = 0;
    ending = false;
    let begun = 0;
    for (const begin of waiting) {
      if (spentMs >= budgetMs) break;
      begin();
      begun += 1;
    }
    waiting.splice(0, begun);
  }

  return (work) =>
    waiting.length === 0 && spentMs < budgetMs
      ? run(work)
      : new Promise((resolve) => waiting.push(() => resolve(run(work))));
}
