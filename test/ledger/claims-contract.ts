import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ClaimStore } from "../../src/ledger/claims.ts";
import { claimsHoldContract } from "./claims-contract-holds.ts";
import { claimsValueContract } from "./claims-contract-values.ts";
import { claimsAgreeWithModel } from "./claims-model.property.ts";
import { claimed, newClaim, responseOf } from "./claims-world.ts";
import type { ClaimsWorld } from "./claims-world.ts";
import { LONG, SHORT, unique } from "./world.ts";

/** What every store of claims must do. */
export function claimsContract(name: string, factory: () => Promise<ClaimsWorld>): void {
  describe(name, () => {
    const world = {} as ClaimsWorld;
    beforeAll(async () => void Object.assign(world, await factory()));
    afterAll(() => world.stop());

    claimsHoldContract(world);
    claimsValueContract(world);
    expiryContract(world);
    identifierContract(world);

    test(
      "agrees with a simple model, whatever several holders do in any order",
      () => claimsAgreeWithModel(world),
      60_000,
    );
  });
}

function expiryContract(world: ClaimsWorld): void {
  describe("expiry of claims", () => {
    test("a claim that nobody holds is gone after its time, and may be made again", async () => {
      const { store } = world;
      const { key, token } = await claimed(world.hasty ?? store, {}, 4 * SHORT);
      await store.write(key, token, { state: "served", response: responseOf() }, { letGo: true });
      expect(await store.get(key)).toBeDefined();
      await world.advance(4 * SHORT);
      expect(await store.get(key)).toBeUndefined();
      expect(await store.resume(key)).toBeUndefined();
      expect(await store.write(key, token, { runs: 1 })).toBe(false);
      expect(await store.renew(key, token)).toBe(false);
      expect(await store.forget(key, token)).toBe(false);
      expect(await store.claim(key, newClaim(), LONG)).toBeDefined();
      expect((await store.get(key))?.claim.response).toBeUndefined();
    });

    test("a claim does not expire while it is held", async () => {
      const { store } = world;
      const one = await claimed(store, {}, SHORT);
      const two = await claimed(store, {}, 2 * SHORT);
      await store.write(two.key, two.token, {}, { letGo: true });
      const token = (await store.resume(two.key))?.token ?? "";
      const three = await claimed(world.hasty ?? store, {}, 3 * SHORT);
      expect(await store.renew(three.key, three.token)).toBe(true); // for as long as `store` holds
      await world.advance(4 * SHORT);
      for (const { key } of [one, two, three])
        expect(await store.get(key)).toMatchObject({ held: true });
      expect(await store.write(two.key, token, { runs: 1 })).toBe(true);
    });

    test("a write may put it off or bring it forward, but not before the end of the hold", async () => {
      const { store, hasty = store } = world;
      const one = await claimed(hasty, {}, 3 * SHORT);
      await store.write(one.key, one.token, {}, { ttlMs: LONG, letGo: true });
      const two = await claimed(hasty, {}, LONG);
      await store.write(two.key, two.token, {}, { ttlMs: SHORT, letGo: true });
      const three = await claimed(store, {}, LONG);
      await store.write(three.key, three.token, {}, { ttlMs: 1 });
      await world.advance(4 * SHORT);
      expect(await store.get(one.key)).toMatchObject({ held: false });
      expect(await store.get(two.key)).toBeUndefined();
      expect(await store.get(three.key)).toMatchObject({ held: true });
    });
  });
}

function identifierContract(world: ClaimsWorld): void {
  const ask = async (
    identifier: string,
    keyOf: (index: number) => string,
    stores: readonly ClaimStore[],
  ): Promise<string[]> =>
    await Promise.all(
      Array.from(
        { length: 100 },
        async (_, i) => await (stores[i % 2] as ClaimStore).identify(identifier, keyOf(i), LONG),
      ),
    );

  describe("identifiers", () => {
    test("the first key wins, also among 100 at once", async () => {
      const identifier = unique("identifier");
      const stores = [world.store, world.replica];
      const answers = await ask(identifier, (i) => `key-${i}`, stores);
      expect(new Set(answers).size).toBe(1);
      expect(await world.replica.identify(identifier, "late", LONG)).toBe(answers[0]);
      expect(await world.store.identify(unique("identifier"), "late", LONG)).toBe("late");
    });

    test("are free again after their time, which asking does not put off", async () => {
      const identifier = unique("identifier");
      expect(await world.store.identify(identifier, "one", 4 * SHORT)).toBe("one");
      expect(await world.replica.identify(identifier, "two", LONG)).toBe("one");
      await world.advance(4 * SHORT);
      expect(await world.store.identify(identifier, "two", LONG)).toBe("two");
    });

    test.each(["a b", "{x}", "}{", "1 2", "snö☃🦀", "a\nb"])(
      "%j is kept as it is",
      async (text) => {
        const identifier = unique(text);
        expect(await world.store.identify(identifier, text, LONG)).toBe(text);
        expect(await world.replica.identify(identifier, "other", LONG)).toBe(text);
      },
    );
  });
}
