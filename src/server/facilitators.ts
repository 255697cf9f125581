import type { Facilitator } from "../core/facilitator.ts";
import type { FacilitatorRequest, Supported, VerifyResponse } from "../core/messages.ts";
import { X402Error } from "../core/errors.ts";
import type { PaywallOptions } from "./options.ts";
import { httpFacilitator } from "./http-facilitator.ts";

/** A facilitator by the name under which claims remember it. */
export interface NamedFacilitator {
  /** Its URL, or `#` and its place in the list: the same on every server of a publisher. */
  readonly name: string;
  readonly facilitator: Facilitator;
}

/** Several facilitators, asked in order; one that fails is passed over for a while. */
export interface Facilitators {
  /** Asks one after the other until one answers for such payments. @throws what the last one that failed threw. */
  verify(body: FacilitatorRequest): Promise<VerifyResponse>;
  /** Who may settle, in the order to ask; when one of them may have been asked before, that one alone. */
  settlers(body: FacilitatorRequest, via: string | undefined): readonly NamedFacilitator[];
  /** Tells how a call ended. */
  report(name: string, error: unknown): void;
}

/** Facilitators of other makers that settle on test networks only. */
const TESTNET_ONLY = new Set(["x402.org", "www.x402.org"]);
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;
/** How long an answer of `/supported` is believed. */
const SUPPORTED_MS = 10 * 60_000;

/** @throws TypeError for something that is no facilitator. */
export function facilitatorList(option: PaywallOptions["facilitator"]): NamedFacilitator[] {
  const list = Array.isArray(option) ? (option as readonly (Facilitator | string)[]) : [option];
  if (list.length === 0) throw missing();
  return list.map((each, index) => {
    const facilitator = each as Facilitator | string;
    if (typeof facilitator === "string")
      return { name: facilitator, facilitator: httpFacilitator(facilitator) };
    if (typeof facilitator?.verify !== "function" || typeof facilitator.settle !== "function")
      throw missing();
    return { name: `#${index}`, facilitator };
  });
}

const missing = () =>
  new TypeError("facilitator is missing: give a facilitator, or the URL of one");

/** @throws TypeError when money of a main network is to go through a facilitator for test networks. */
export function assertSettles(list: readonly NamedFacilitator[], network: string): void {
  const [family, id = ""] = network.split(":");
  if (family !== "eip155" || !MAIN_NETWORKS.has(id)) return;
  for (const { name } of list) {
    const host = URL.canParse(name) ? new URL(name).hostname : "";
    if (TESTNET_ONLY.has(host))
      throw new TypeError(`facilitator ${name} settles on test networks only, not on ${network}`);
  }
}

/** Chain ids where tokens are money. */
const MAIN_NETWORKS = new Set(
  "1 10 56 100 137 143 988 999 1329 1514 2741 3338 4326 4689 8453 14 41923 42161 42220 43114 59144".split(
    " ",
  ),
);

export function facilitatorPool(
  list: readonly NamedFacilitator[],
  now: () => number,
  onFailure: (name: string, error: unknown) => void,
): Facilitators {
  const health = new Map(list.map(({ name }) => [name, { pauseMs: 0, untilMs: 0 }]));
  const supported = list.length > 1 ? supportCache(now) : undefined;

  function report(name: string, error: unknown): void {
    const state = health.get(name);
    if (state === undefined) return;
    if (error === undefined) {
      state.pauseMs = 0;
      state.untilMs = 0;
      return;
    }
    onFailure(name, error);
    state.pauseMs = Math.min(Math.max(FIRST_PAUSE_MS, state.pauseMs * 2), LONGEST_PAUSE_MS);
    state.untilMs = now() + state.pauseMs;
  }

  /** Those that are well and settle this kind first; the others are asked when nobody else is left. */
  function inOrder(body: FacilitatorRequest): readonly NamedFacilitator[] {
    if (list.length === 1) return list;
    const rank = (each: NamedFacilitator) =>
      (supported?.lacks(each, body) === true ? 2 : 0) +
      ((health.get(each.name)?.untilMs ?? 0) > now() ? 1 : 0);
    return list.toSorted((a, b) => rank(a) - rank(b));
  }

  return {
    report,
    async verify(body) {
      let foreign: VerifyResponse | undefined;
      const errors: unknown[] = [];
      for (const { name, facilitator } of inOrder(body)) {
        try {
          const answer = await facilitator.verify(body);
          report(name, undefined);
          if (answer.isValid || !isForeign(answer.invalidReason)) return answer;
          foreign = answer;
        } catch (error) {
          report(name, error);
          errors.push(error);
        }
      }
      if (foreign === undefined || errors.length > 0) throw errors.at(-1);
      return foreign;
    },
    settlers(body, via) {
      const asked = list.find(({ name }) => name === via);
      return asked === undefined ? inOrder(body) : [asked];
    },
  };
}

/** What facilitators support, asked for in the background and never waited for. */
function supportCache(now: () => number) {
  const known = new Map<string, { atMs: number; supported?: Supported }>();
  return {
    /** Whether a facilitator is known not to settle such payments. */
    lacks({ name, facilitator }: NamedFacilitator, { paymentRequirements }: FacilitatorRequest) {
      const entry = known.get(name);
      if (entry === undefined || entry.atMs + SUPPORTED_MS < now()) {
        const next = { atMs: now(), ...(entry?.supported && { supported: entry.supported }) };
        known.set(name, next);
        const ask = async () =>
          known.set(name, { atMs: now(), supported: await facilitator.supported() });
        ask().catch(() => {});
      }
      const { scheme, network } = paymentRequirements;
      const kinds = entry?.supported?.kinds;
      return (
        kinds !== undefined &&
        !kinds.some((kind) => kind.scheme === scheme && isSame(kind.network, network))
      );
    },
  };
}

function isSame(kind: string, network: string): boolean {
  return kind === network || (kind.endsWith(":*") && network.startsWith(kind.slice(0, -1)));
}

/** Whether a refusal says that this facilitator does not settle such payments; another one may. */
export function isForeign(reason: string | undefined): boolean {
  return reason === "invalid_network" || reason === "unsupported_scheme";
}

/** Whether a call that failed provably did nothing, so that another facilitator may be asked. */
export function didNothing(error: unknown): boolean {
  return error instanceof X402Error && error.retry === "safe";
}
