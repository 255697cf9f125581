/** Claims whose holds lapse when a test says so, and stores and facilitators that fail, or end, at a certain step. */
import { X402Error } from "../../src/core/errors.ts";
import type { Facilitator } from "../../src/core/facilitator.ts";
import type { SettleResponse } from "../../src/core/messages.ts";
import { canonicalJson } from "../../src/core/json.ts";
import type { ClaimStore, PaymentClaim } from "../../src/ledger/claims.ts";
import { fakeFacilitator, failedWith, PAYER, settled } from "./world.ts";

export interface LapsingClaims extends ClaimStore {
  /** The leases of all who hold a claim run out. */
  lapse(): void;
  readonly claims: ReadonlyMap<string, { readonly claim: PaymentClaim; readonly held: boolean }>;
}

/** @param leaseMs how often holders renew; absent: they do not. */
export function lapsingClaims(leaseMs?: number): LapsingClaims {
  const claims = new Map<string, { claim: PaymentClaim; token: string; held: boolean }>();
  const identifiers = new Map<string, string>();
  let tokens = 0;
  const owned = (key: string, token: string) => {
    const kept = claims.get(key);
    return kept?.token === token && token !== "" ? kept : undefined;
  };
  return {
    ...(leaseMs !== undefined && { leaseMs }),
    claims,
    lapse() {
      for (const kept of claims.values()) kept.held = false;
    },
    get: (key) => claims.get(key),
    claim(key, claim) {
      if (claims.has(key)) return undefined;
      const token = String(++tokens);
      claims.set(key, { claim, token, held: true });
      return token;
    },
    resume(key) {
      const kept = claims.get(key);
      if (kept === undefined || kept.held) return undefined;
      Object.assign(kept, { token: String(++tokens), held: true });
      return { claim: kept.claim, token: kept.token };
    },
    write(key, token, change, { letGo = false } = {}) {
      const kept = owned(key, token);
      if (kept === undefined) return false;
      kept.claim = { ...kept.claim, ...change };
      if (letGo) Object.assign(kept, { token: "", held: false });
      return true;
    },
    renew(key, token) {
      const kept = owned(key, token);
      if (kept !== undefined) kept.held = true;
      return kept !== undefined;
    },
    forget: (key, token) => owned(key, token) !== undefined && claims.delete(key),
    identify(identifier, key) {
      if (!identifiers.has(identifier)) identifiers.set(identifier, key);
      return identifiers.get(identifier)!;
    },
  };
}

export interface Chain {
  readonly facilitator: Facilitator;
  /** How often money moved. */
  readonly transfers: number;
}

/** A facilitator that keeps a ledger: each payment moves money once, and whoever asked for it is told so again. */
export function honestFacilitator(): Chain {
  const done = new Map<string, { key: string | undefined; answer: SettleResponse }>();
  const fake = fakeFacilitator();
  const nameOf = (request: Parameters<Facilitator["settle"]>[0]) =>
    canonicalJson(request.paymentPayload.payload);
  fake.onVerify = ({ request }) =>
    done.has(nameOf(request))
      ? { isValid: false, invalidReason: "duplicate_settlement" }
      : { isValid: true, payer: PAYER };
  fake.onSettle = (call) => {
    const key = call.options?.idempotencyKey;
    const before = done.get(nameOf(call.request));
    if (before !== undefined)
      return before.key === key ? before.answer : failedWith("duplicate_settlement");
    const answer = settled(call);
    done.set(nameOf(call.request), { key, answer });
    return answer;
  };
  return {
    facilitator: fake,
    get transfers() {
      return done.size;
    },
  };
}

/**
 * What happens at a step: the process ends there, or an operation fails without having been done, or its answer is
 * lost.
 */
export type Fault = "end" | "fail" | "lost";

/** Lets everything pass until a certain step, where the fault happens, once; `end` stays. */
export interface Steps {
  /** Wraps the methods of an object, each of which is a step. */
  through<T extends object>(target: T, names: readonly (keyof T & string)[]): T;
  /** Is fulfilled when the process has ended. */
  readonly ended: Promise<"ended">;
  readonly count: number;
  /** The step where the fault was. */
  readonly struck: string | undefined;
}

export function faultAt(at: number, fault: Fault): Steps {
  let count = 0;
  let struck: string | undefined;
  let end: (value: "ended") => void = () => undefined;
  const ended = new Promise<"ended">((resolve) => (end = resolve));
  const unavailable = () => new X402Error("ledger_unavailable", "injected", { retry: "unsafe" });

  async function step(name: string, run: () => unknown): Promise<unknown> {
    count += 1;
    const strikes = count === at;
    if (strikes) struck = name;
    if (fault === "end" && count >= at) {
      end("ended");
      return new Promise(() => undefined);
    }
    if (strikes && fault === "fail") throw unavailable();
    const result: unknown = await run();
    if (strikes) throw unavailable();
    return result;
  }

  return {
    through(target, names) {
      const wrapped = Object.fromEntries(
        names.map((name) => [
          name,
          (...args: unknown[]) =>
            step(name, () => (target[name] as (...given: unknown[]) => unknown)(...args)),
        ]),
      );
      return { ...target, ...wrapped };
    },
    ended,
    get count() {
      return count;
    },
    get struck() {
      return struck;
    },
  };
}

export const STORE = ["get", "claim", "resume", "write", "forget", "identify"] as const;
export const FACILITATOR = ["verify", "settle"] as const;
