import { describe, expect, test } from "vitest";
import type { ClaimChange, ClaimStore, StoredResponse } from "../../src/ledger/claims.ts";
import { bytesOf, claimed, newClaim, responseOf } from "./claims-world.ts";
import type { ClaimsWorld } from "./claims-world.ts";
import { LONG, unique } from "./world.ts";

const ODD = [
  "}{",
  "{x}y",
  "a\r\nb\n",
  "\0",
  "snö☃🦀",
  "\ud800",
  "\ufeffbom",
  "__proto__",
  " ",
  '"\\',
];

/** Which values every store of claims keeps, and which it refuses. */
export function claimsValueContract(world: ClaimsWorld): void {
  describe("values of claims", () => {
    test("what is claimed comes back, whole and no more", async () => {
      const full = newClaim({
        state: "served",
        presenter: "hash",
        payer: "0xabc",
        via: "https://facilitator.example",
        runs: 3,
        receipt: { success: true, transaction: "0x1", network: "eip155:1", extra: { a: [null] } },
        response: responseOf(),
        delivered: true,
      });
      for (const claim of [full, newClaim()]) {
        const key = unique("payment");
        await world.store.claim(key, claim, LONG);
        expect((await world.replica.get(key))?.claim).toStrictEqual(claim);
      }
    });

    test.each(ODD)("%j survives", async (text) => {
      const extra = Object.fromEntries([[text, text]]);
      const { body } = newClaim();
      const claim = newClaim({
        request: text,
        presenter: text,
        payer: text,
        idempotencyKey: text,
        via: text,
        body: { ...body, paymentPayload: { ...body.paymentPayload, payload: extra } },
        response: responseOf({ headers: { ...extra, "set-cookie": [text, "", text], none: [] } }),
      });
      const key = `${unique("payment")}${text === "\ud800" ? "" : text}`;
      const token = await world.store.claim(key, claim, LONG);
      expect((await world.replica.get(key))?.claim).toEqual(claim);
      expect(await world.store.forget(key, token ?? "")).toBe(true);
    });

    test.each<[string, StoredResponse["body"]]>([
      ["no body", null],
      ["an empty body", new Uint8Array(0)],
      ["all values of bytes", bytesOf(256)],
      ["a part of a larger buffer", bytesOf(1000).subarray(300, 800)],
      ["1 MiB", bytesOf(1024 * 1024)],
    ])("a response with %s is kept exactly", async (_, body) => {
      const { key, token } = await claimed(world.store, { response: responseOf() });
      const response = responseOf({ status: 418, headers: {}, body });
      expect(await world.store.write(key, token, { response }, { letGo: true })).toBe(true);
      const seen = (await world.replica.resume(key))?.claim.response;
      expect(seen?.body?.byteLength).toBe(body?.byteLength);
      expect(Buffer.compare(seen?.body ?? bytesOf(1), body ?? bytesOf(1))).toBe(0);
      expect({ ...seen, body: undefined }).toStrictEqual({ ...response, body: undefined });
      expect((await world.store.get(key))?.claim.response?.body === null).toBe(body === null);
    });

    test("a change replaces what it names, removes what it names as undefined, and leaves the rest", async () => {
      const { key, token, claim } = await claimed(world.store, {
        state: "served",
        via: "them",
        response: responseOf(),
      });
      const paymentRequirements = { ...claim.body.paymentRequirements, amount: "1" };
      const body = { ...claim.body, paymentRequirements };
      const receipt = { success: true, transaction: "0x1", network: "eip155:1" };
      const change: ClaimChange = { state: "settled", body, runs: 2, receipt, delivered: true };
      expect(await world.store.write(key, token, change)).toBe(true);
      const changed = { ...claim, ...change };
      expect((await world.replica.get(key))?.claim).toEqual(changed);
      expect(await world.store.write(key, token, {})).toBe(true);
      expect((await world.replica.get(key))?.claim).toEqual(changed);
      const removed = { via: undefined, receipt: undefined, response: undefined };
      expect(await world.store.write(key, token, removed)).toBe(true);
      expect((await world.replica.get(key))?.claim).toEqual({ ...changed, ...removed });
      await world.store.write(key, token, { response: responseOf({ body: null }) });
      expect((await world.replica.get(key))?.claim.response?.body).toBeNull();
    });

    test("what no store can keep is the caller's mistake, and nothing happens", async () => {
      const { store } = world;
      const { key, token } = await claimed(store);
      const before = await store.get(key);
      const write = (change: object, ttlMs?: number) => (s: ClaimStore) =>
        s.write(key, token, change, ttlMs === undefined ? {} : { ttlMs });
      const mistakes: ((store: ClaimStore) => unknown)[] = [
        (s) => s.get(""),
        (s) => s.claim("", newClaim(), LONG),
        (s) => s.claim("\ud800", newClaim(), LONG),
        (s) => s.claim(unique("payment"), newClaim(), 0),
        (s) => s.claim(unique("payment"), newClaim(), Number.NaN),
        (s) => s.claim(unique("payment"), newClaim({ state: "lost" as "claimed" }), LONG),
        (s) => s.claim(unique("payment"), newClaim({ runs: -1 }), LONG),
        (s) => s.resume(""),
        write({ state: "lost" }),
        write({ runs: 0.5 }),
        write({ state: undefined }),
        write({ body: undefined }),
        write({ runs: undefined }),
        write({ delivered: undefined }),
        write({}, -1),
        (s) => s.renew("", token),
        (s) => s.forget("", token),
        (s) => s.identify("", key, LONG),
        (s) => s.identify("a", "", LONG),
        (s) => s.identify("a", key, 0),
        (s) => s.identify("\udfff", key, LONG),
      ];
      for (const mistake of mistakes) {
        await expect((async () => await mistake(store))()).rejects.toThrow(TypeError);
      }
      expect(await store.get(key)).toEqual(before);
    });
  });
}
