import { describe, expect, test } from "vitest";
import type { PaymentClaim } from "../../src/ledger/claims.ts";
import { memoryClaims } from "../../src/ledger/memory-claims.ts";
import type { MemoryClaimStore } from "../../src/ledger/memory-claims.ts";
import { collectGarbage } from "../setup/garbage.ts";
import { claimsContract } from "./claims-contract.ts";
import { bytesOf, newClaim, responseOf } from "./claims-world.ts";
import { LONG, SHORT } from "./world.ts";

claimsContract("memory claims", async () => {
  let nowMs = 1_700_000_000_000;
  const store = memoryClaims({ now: () => nowMs });
  return {
    store,
    replica: store,
    advance: async (ms) => void (nowMs += ms),
    exactClock: true,
    stop: async () => undefined,
  };
});

test("claims in memory have no lease, answer at once, and cannot be changed from outside", () => {
  const store = memoryClaims();
  expect(store).not.toHaveProperty("leaseMs");
  const given = newClaim();
  expect(store.claim("key", given, LONG)).toEqual(expect.any(String));
  Object.assign(given, { runs: 7 });
  const { claim } = store.get("key") ?? {};
  expect(claim?.runs).toBe(0);
  expect(() => Object.assign(claim ?? {}, { runs: 7 })).toThrow(TypeError);
});

test("expired claims and identifiers are swept without anybody asking for them, held ones never", async () => {
  let nowMs = 0;
  const store = memoryClaims({ now: () => nowMs });
  const [held, free]: [WeakRef<object>[], WeakRef<object>[]] = [[], []];
  for (let i = 0; i < 1_000; i++) {
    const key = `key-${i}`;
    const token = store.claim(key, newClaim(), SHORT) ?? "";
    store.identify(key, key, SHORT);
    if (i % 2 === 0) store.write(key, token, {}, { letGo: true });
    (i % 2 === 0 ? free : held).push(new WeakRef(store.get(key)?.claim ?? {}));
  }
  nowMs = SHORT;
  for (let i = 0; i < 1_000; i++) store.get("somebody-else");
  await collectGarbage();
  const left = (references: WeakRef<object>[]) =>
    references.filter((reference) => reference.deref() !== undefined).length;
  expect(left(free)).toBeLessThan(10);
  expect(left(held)).toBe(500);
});

describe("bytes of responses", () => {
  const state = "settled";
  const response = responseOf({ body: bytesOf(40) });

  function filled(maxBytes: number) {
    let nowMs = 0;
    const store = memoryClaims({ maxBytes, now: () => nowMs });
    const add = (key: string, change: Partial<PaymentClaim>, ttlMs = LONG): string =>
      store.claim(key, newClaim({ response, ...change }), ttlMs) ?? "";
    return { store, add, advance: (ms: number) => void (nowMs += ms) };
  }

  /** Which of the keys have their responses still; all must have their claims. */
  const withResponse = (store: MemoryClaimStore, keys: string): string =>
    keys
      .split("")
      .filter((key) => {
        const found = store.get(key);
        expect(found).toBeDefined();
        return found?.claim.response !== undefined;
      })
      .join("");

  test("beyond the bound those of settled and delivered claims go, the longest delivered first", () => {
    const { store, add } = filled(100);
    const [a, b] = [add("a", { state }), add("b", { state })];
    store.write("b", b, { delivered: true }, { letGo: true });
    store.write("a", a, { delivered: true }); // still held: who holds it has read it
    expect(withResponse(store, "ab")).toBe("ab");
    add("c", { state, delivered: true });
    expect(withResponse(store, "abc")).toBe("ac");
    add("d", { state });
    expect(withResponse(store, "abcd")).toBe("cd");
    add("e", { state: "served", delivered: true });
    expect(withResponse(store, "abcde")).toBe("de");
  });

  test("what was not delivered, or not settled, stays however much it is", () => {
    const { store, add } = filled(0);
    add("a", { state });
    const b = add("b", { state: "served", delivered: true });
    const c = add("c", {});
    expect(withResponse(store, "abc")).toBe("abc");
    store.write("c", c, { state, delivered: true });
    expect(withResponse(store, "abc")).toBe("ab");
    store.write("b", b, { state });
    expect(withResponse(store, "abc")).toBe("a");
  });

  test("what is to be delivered again stays", () => {
    const { store, add } = filled(50);
    const a = add("a", { state, delivered: true });
    store.write("a", a, { delivered: false });
    add("b", {});
    expect(withResponse(store, "ab")).toBe("ab");
  });

  test("count no more once they were replaced, removed, forgotten or have expired", () => {
    const { store, add, advance } = filled(100);
    add("a", { state, delivered: true });
    const b = add("b", { state, delivered: true });
    store.write("b", b, { response: responseOf({ body: bytesOf(60) }) });
    expect(withResponse(store, "ab")).toBe("ab");
    store.write("b", b, { response: undefined });
    const c = add("c", { response: responseOf({ body: bytesOf(60) }) });
    expect(withResponse(store, "ac")).toBe("ac");
    store.forget("c", c);
    const d = add("d", { response: responseOf({ body: bytesOf(60) }) }, SHORT);
    expect(withResponse(store, "ad")).toBe("ad");
    store.write("d", d, {}, { letGo: true });
    advance(SHORT);
    for (let i = 0; i < 10; i++) store.get("somebody-else");
    add("e", { response: responseOf({ body: bytesOf(60) }) });
    expect(withResponse(store, "ae")).toBe("ae");
    add("f", { response: responseOf({ body: null }) });
    expect(withResponse(store, "aef")).toBe("aef");
    add("g", { response: responseOf({ body: bytesOf(1) }) });
    expect(withResponse(store, "aefg")).toBe("efg");
  });

  test("a bound that is none is refused", () => {
    for (const maxBytes of [-1, Number.NaN])
      expect(() => memoryClaims({ maxBytes })).toThrow(TypeError);
  });
});
