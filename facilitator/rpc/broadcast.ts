import type { Hex } from "../../src/core/scheme.ts";
import type { Endpoints } from "./endpoints.ts";
import { broadcastOutcome, errorClass, type BroadcastOutcome } from "./errors.ts";
import type { Answer } from "./transport.ts";

/**
 * Sends a signed transaction to the best endpoint, and to the next ones as long as it is not known what became of it:
 * the same bytes twice are one transaction. A refusal counts only if no endpoint before it may have taken the
 * transaction, for then the refusal may be because of that ("nonce too low": it was mined).
 */
export async function broadcast(endpoints: Endpoints, raw: Hex): Promise<BroadcastOutcome> {
  let mayBeOut = false;
  for (const endpoint of endpoints.order()) {
    const outcome = outcomeOf(await endpoint.send(raw));
    if (outcome === "accepted") return outcome;
    if (outcome === "unknown") mayBeOut = true;
    else if (outcome !== "not_sent" && !mayBeOut) return outcome;
  }
  return "unknown";
}

function outcomeOf(answer: Answer): BroadcastOutcome | "not_sent" {
  if ("failure" in answer) return answer.failure.sent ? "unknown" : "not_sent";
  if ("result" in answer) return isHash(answer.result) ? "accepted" : "unknown";
  const outcome = broadcastOutcome(answer.error);
  return outcome === "unknown" && errorClass(answer.error) === "unsupported" ? "not_sent" : outcome;
}

const isHash = (value: unknown): boolean =>
  typeof value === "string" && /^0x[0-9a-fA-F]{64}$/.test(value);
