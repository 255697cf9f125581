import { expect, test } from "vitest";
import { createTurns } from "../../facilitator/turns.ts";

test("so many go on in one turn of the event loop, in order, and what waits for others gets through", async () => {
  const myTurn = createTurns(3);
  const seen: (number | string)[] = [];
  setImmediate(() => {
    seen.push("|");
    setImmediate(() => seen.push("|"));
  });
  await Promise.all(
    Array.from({ length: 8 }, async (_, index) => {
      await myTurn();
      seen.push(index);
    }),
  );
  expect(seen).toEqual([0, 1, 2, "|", 3, 4, 5, "|", 6, 7]);
});

test("who comes later waits behind those who wait, and nobody waits after a pause", async () => {
  const myTurn = createTurns(2);
  expect(myTurn()).toBeUndefined();
  expect(myTurn()).toBeUndefined();
  const order: string[] = [];
  const first = [1, 2, 3].map((n) =>
    Promise.resolve(myTurn()).then(() => order.push(`first ${n}`)),
  );
  await first[0];
  await Promise.resolve(myTurn()).then(() => order.push("later"));
  await Promise.all(first);
  expect(order).toEqual(["first 1", "first 2", "first 3", "later"]);
  await new Promise((resolve) => setImmediate(resolve)); // the turn that was counted is over
  expect(myTurn()).toBeUndefined();
});
