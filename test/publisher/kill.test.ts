/** A server is killed at every step between a payment and its answer, and started again. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { present, presentUntilFinal, startPublisherWorld, type PublisherWorld } from "./world.ts";

let world: PublisherWorld;
beforeAll(async () => {
  world = await startPublisherWorld();
}, 60_000);
afterAll(() => world.stop());

/** Steps of a payment in order, as an undisturbed run shows them (the first test proves it). */
const STEPS = {
  "/report": [
    ["get", 1],
    ["verify", 1],
    ["claim", 1],
    ["handler", 1],
    ["write", 1],
    ["settle", 1],
    ["write", 2],
  ],
  "/order": [
    ["get", 1],
    ["verify", 1],
    ["claim", 1],
    ["settle", 1],
    ["write", 1],
    ["handler", 1],
    ["write", 2],
  ],
} as const;

describe.each(["/report", "/order"] as const)("%s", (path) => {
  const flow = path === "/order" ? "upfront" : undefined;

  test("the steps of a payment", async () => {
    const shop = world.newShop();
    const server = await shop.start();
    expect(await present(server, path, await shop.newPayment(flow))).toMatchObject({ status: 200 });
    expect(await shop.steps()).toEqual(
      STEPS[path].flatMap(([name, nth]) => [`before ${name} ${nth}`, `after ${name} ${nth}`]),
    );
  });

  const points = STEPS[path].flatMap(([name, nth]) =>
    (["before", "after"] as const).map((side) => ({ step: `${side} ${name}`, nth })),
  );

  test.concurrent.each(points)(
    "killed $step $nth: the same payment gets its content, and is charged once",
    async (killAt) => {
      const shop = world.newShop();
      const payment = await shop.newPayment(flow);
      const victim = await shop.start({ killAt });
      expect(await present(victim, path, payment)).toBeUndefined();
      expect(await victim.ended).toBe("SIGKILL");
      const server = await shop.start();
      const reply = await presentUntilFinal(server, path, payment);
      expect(reply).toMatchObject({ status: 200, text: expect.stringMatching(/^answer \d$/) });
      expect(reply.receipt).not.toBeNull();
      expect(await shop.transfers()).toBe(1);
      // A run that was cut off is repeated; a response that was stored is not made again.
      expect(await shop.runs()).toBeLessThanOrEqual(2);
      expect(await present(server, path, payment)).toMatchObject({ status: 200, text: reply.text });
      expect(await shop.transfers()).toBe(1);
    },
    30_000,
  );
});
