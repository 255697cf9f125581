import { expect, test } from "vitest";
import { createTurns } from "../../facilitator/turns.ts";

/** Keeps the CPU busy. */
async function busy(ms: number): Promise<void> {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}

test("work goes on for so long in one turn of the event loop, in order, and others get through between", async () => {
  const inTurn = createTurns(5);
  const seen: (number | string)[] = [];
  const others = (left: number): void =>
    void setImmediate(() => {
      seen.push("|");
      if (left > 1) others(left - 1);
    });
  others(3);
  await Promise.all(
    Array.from({ length: 4 }, (_, index) =>
      inTurn(async () => {
        seen.push(index);
        await busy(6);
      }),
    ),
  );
  expect(seen).toEqual([0, "|", 1, "|", 2, "|", 3]);
});

test("short work does not wait, who comes later waits behind those who wait", async () => {
  const inTurn = createTurns(5);
  const seen: string[] = [];
  const say = (text: string, ms = 0) =>
    inTurn(async () => {
      seen.push(text);
      await busy(ms);
    });
  const first = [say("one"), say("two", 6), say("three")];
  expect(seen).toEqual(["one", "two"]);
  await Promise.all([...first, say("four")]);
  expect(seen).toEqual(["one", "two", "three", "four"]);
});

test("a failure is the caller's, and holds up nobody", async () => {
  const inTurn = createTurns(5);
  const fails = () =>
    inTurn(async () => {
      await busy(6);
      throw new Error("no");
    });
  const [first, second, third] = [fails(), fails(), inTurn(async () => "yes")];
  await expect(first).rejects.toThrow("no");
  await expect(second).rejects.toThrow("no");
  expect(await third).toBe("yes");
});
