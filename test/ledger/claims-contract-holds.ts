import { describe, expect, test } from "vitest";
import type { ClaimStore } from "../../src/ledger/claims.ts";
import { claimed, newClaim, responseOf } from "./claims-world.ts";
import type { ClaimsWorld } from "./claims-world.ts";
import { LONG, SHORT, unique } from "./world.ts";

const RECEIPT = { success: true, transaction: "0x1", network: "eip155:8453" };

/** Who may do what with a claim. */
export function claimsHoldContract(world: ClaimsWorld): void {
  /** Asks 100 times at once, both handles in turn. */
  const crowd = async <T>(ask: (store: ClaimStore) => T): Promise<Awaited<T>[]> =>
    await Promise.all(
      Array.from({ length: 100 }, async (_, i) => await ask(i % 2 ? world.store : world.replica)),
    );

  /** Nothing that this token asks for happens. */
  async function expectFenced(key: string, token: string): Promise<void> {
    const before = await world.store.get(key);
    expect(await world.store.write(key, token, { runs: 9, state: "settled" })).toBe(false);
    expect(await world.store.write(key, token, {}, { letGo: true, ttlMs: 2 * LONG })).toBe(false);
    expect(await world.store.renew(key, token)).toBe(false);
    expect(await world.store.forget(key, token)).toBe(false);
    expect(await world.store.get(key)).toEqual(before);
  }

  describe("holding claims", () => {
    test("of 100 who claim a payment at once one gets it", async () => {
      const key = unique("payment");
      const tokens = await crowd((store) => store.claim(key, newClaim(), LONG));
      expect(tokens.filter((token) => token !== undefined)).toHaveLength(1);
      expect(await world.replica.get(key)).toMatchObject({ held: true });
    });

    test("of 100 who resume a claim at once one gets it", async () => {
      const { key, token } = await claimed(world.store);
      expect(await world.store.write(key, token, {}, { letGo: true })).toBe(true);
      const resumed = (await crowd((store) => store.resume(key))).filter((one) => one);
      expect(resumed).toHaveLength(1);
      expect(resumed[0]?.token).not.toBe(token);
    });

    test("nobody claims it again, whoever holds it and whatever became of it", async () => {
      const { key, token, claim } = await claimed(world.store);
      expect(await world.replica.claim(key, newClaim(), LONG)).toBeUndefined();
      await world.store.write(key, token, { state: "settled" }, { letGo: true });
      expect(await world.replica.claim(key, newClaim(), LONG)).toBeUndefined();
      const after = { claim: { ...claim, state: "settled" }, held: false };
      expect(await world.replica.get(key)).toEqual(after);
    });

    test("it is resumed only when nobody holds it", async () => {
      const { key, token, claim } = await claimed(world.store);
      expect(await world.replica.resume(key)).toBeUndefined();
      expect(await world.store.renew(key, token)).toBe(true);
      expect(await world.replica.resume(key)).toBeUndefined();
      expect(await world.replica.resume(unique("nothing"))).toBeUndefined();
      const via = "https://facilitator.example";
      expect(await world.store.write(key, token, { via, runs: 1 }, { letGo: true })).toBe(true);
      expect(await world.replica.get(key)).toMatchObject({ held: false });
      const resumed = await world.replica.resume(key);
      expect(resumed?.claim).toEqual({ ...claim, via, runs: 1 });
      await expectFenced(key, token);
      expect(await world.store.write(key, resumed?.token ?? "", { runs: 2 })).toBe(true);
    });

    test("who let go, and who never held, cannot write", async () => {
      const { key, token } = await claimed(world.store);
      for (const other of ["", "0", unique("token")]) await expectFenced(key, other);
      await world.store.write(key, token, {}, { letGo: true });
      for (const other of ["", token]) await expectFenced(key, other);
      await expectFenced(unique("nothing"), token);
    });

    test("who forgets it makes way for a new claim", async () => {
      const { key, token } = await claimed(world.store, { state: "served", via: "them" });
      expect(await world.replica.forget(key, token)).toBe(true);
      expect(await world.store.get(key)).toBeUndefined();
      expect(await world.store.resume(key)).toBeUndefined();
      const next = newClaim();
      const nextToken = await world.replica.claim(key, next, LONG);
      expect(nextToken).not.toBe(token);
      expect((await world.store.get(key))?.claim).toEqual(next);
      await expectFenced(key, token);
    });

    test("a state goes forwards, and what comes with a step back is not written", async () => {
      const { store } = world;
      const { key, token } = await claimed(store);
      const via = "them";
      expect(await store.write(key, token, { state: "claimed", runs: 1 })).toBe(true);
      expect(await store.write(key, token, { state: "served", runs: 2 })).toBe(true);
      expect(await store.write(key, token, { state: "claimed", runs: 3, via })).toBe(false);
      expect(await store.write(key, token, { state: "served", runs: 4 })).toBe(true);
      expect(await store.write(key, token, { state: "settled", receipt: RECEIPT })).toBe(true);
      const back = { state: "served", response: responseOf(), receipt: undefined } as const;
      expect(await store.write(key, token, back, { letGo: true })).toBe(false);
      const { claim, held } = (await store.get(key)) ?? {};
      expect({ ...claim, held }).toMatchObject({ state: "settled", runs: 4, held: true });
      expect([claim?.receipt, claim?.via, claim?.response]).toEqual([
        RECEIPT,
        undefined,
        undefined,
      ]);
      const straight = await claimed(store);
      expect(await store.write(straight.key, straight.token, { state: "settled" })).toBe(true);
    });

    test("without renewal it is lost to whoever resumes it, and to nobody before", async () => {
      const { store, replica, hasty, lapse } = world;
      if (hasty === undefined) return; // claims that die with their process are held until they are let go
      expect(hasty.leaseMs).toBe(SHORT);
      const { key, token, claim } = await claimed(hasty);
      await world.advance(SHORT);
      expect(await store.get(key)).toEqual({ claim, held: false });
      expect(await store.write(key, token, { runs: 1 })).toBe(true);
      expect(await store.get(key)).toMatchObject({ held: false, claim: { runs: 1 } });
      expect(await store.renew(key, token)).toBe(true);
      expect(await replica.resume(key)).toBeUndefined();
      await lapse?.(key);
      const resumed = await replica.resume(key);
      expect(resumed?.claim.runs).toBe(1);
      await expectFenced(key, token);
      expect(await replica.renew(key, resumed?.token ?? "")).toBe(true);
    });

    test("renewing it in time keeps it", async () => {
      const { key, token } = await claimed(world.hasty ?? world.store);
      expect(await world.store.renew(key, token)).toBe(true);
      await world.advance(2 * SHORT);
      expect(await world.store.get(key)).toMatchObject({ held: true });
      expect(await world.store.resume(key)).toBeUndefined();
    });
  });
}
