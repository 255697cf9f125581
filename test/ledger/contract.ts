import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { adoptContract } from "./contract-adopt.ts";
import { advanceContract } from "./contract-advance.ts";
import { claimContract } from "./contract-claim.ts";
import { expiryContract } from "./contract-expiry.ts";
import { handOutContract } from "./contract-hand-out.ts";
import { holdContract } from "./contract-holds.ts";
import { laneContract } from "./contract-lanes.ts";
import { valueContract } from "./contract-values.ts";
import { agreesWithModel } from "./model.property.ts";
import { claimOf, holdOf } from "./world.ts";
import type { LedgerWorld } from "./world.ts";

/** What every ledger must do. */
export function ledgerContract(name: string, factory: () => Promise<LedgerWorld>): void {
  describe(name, () => {
    const world = {} as LedgerWorld;
    beforeAll(async () => void Object.assign(world, await factory()));
    afterAll(() => world.stop());

    claimContract(world);
    advanceContract(world);
    adoptContract(world);
    handOutContract(world);
    expiryContract(world);
    holdContract(world);
    laneContract(world);
    valueContract(world);

    test(
      "agrees with a simple model on any sequence of operations",
      () => agreesWithModel(world),
      60_000,
    );

    test("check passes, and close refuses everything after it", async () => {
      await expect(world.ledger.check()).resolves.toBeUndefined();
      const other = await factory();
      const unavailable = { code: "ledger_unavailable" };
      try {
        await other.ledger.claim(claimOf());
        await other.ledger.close();
        await other.ledger.close();
        await expect(other.ledger.claim(claimOf())).rejects.toMatchObject({
          ...unavailable,
          retry: "safe",
        });
        await expect(other.ledger.check()).rejects.toMatchObject(unavailable);
        await expect(other.ledger.hold(holdOf())).rejects.toMatchObject(unavailable);
        await expect(other.ledger.index("t", [], 1)).rejects.toMatchObject(unavailable);
        await expect(other.ledger.paymentsOf("t")).rejects.toMatchObject(unavailable);
        await expect(other.ledger.unhold("a", "b")).rejects.toMatchObject(unavailable);
        await expect(other.ledger.renew("k", 1, 1)).rejects.toMatchObject({ retry: "unsafe" });
        const { lanes } = other.ledger;
        await expect(lanes.announce("g", "o", 1)).rejects.toMatchObject(unavailable);
        await expect(lanes.acquire("l", "o", 1)).rejects.toMatchObject(unavailable);
        await expect(lanes.renew("l", 1, 1)).rejects.toMatchObject(unavailable);
        await expect(lanes.open("l")).rejects.toMatchObject(unavailable);
        await expect(lanes.retire("l", 1, [])).rejects.toMatchObject(unavailable);
        await expect(lanes.release("l", 1)).rejects.toMatchObject(unavailable);
      } finally {
        await other.stop();
      }
    });
  });
}
