/**
 * Shares the event loop: so many calls may go on in one turn of it, those beyond in the turns after. A burst of work that
 * never waits would hold up everything that does, the answers of nodes and stores to the payments before.
 *
 * @returns what to await before a piece of such work; they go on in the order of their asking.
 */
export function createTurns(mostInTurn: number): () => Promise<void> | undefined {
  const waiting: (() => void)[] = [];
  let gone = 0;

  function turn(): void {
    const next = waiting.splice(0, mostInTurn);
    gone = next.length;
    if (gone > 0) setImmediate(turn);
    for (const go of next) go();
  }

  return () => {
    if (gone === 0) setImmediate(turn);
    if (gone < mostInTurn) {
      gone += 1;
      return undefined;
    }
    return new Promise((resolve) => waiting.push(resolve));
  };
}
