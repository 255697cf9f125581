import { codeOf } from "../core/errors.ts";
import { undecided } from "./answers.ts";
import type { PaywallContext } from "./context.ts";
import type { Answer, PaywallRequest } from "./gate.ts";

/** Answer to a request that could not be decided about. The observer is told, unless it was by who failed. */
export function failure(context: PaywallContext, request: PaywallRequest, error: unknown): Answer {
  const answer = undecided(error);
  const code = codeOf(error);
  if (answer.status < 500) context.emit(request, { type: "payment_rejected", code });
  else if (code !== "hook_failed" && !code.startsWith("facilitator_")) {
    const name = code === "ledger_unavailable" ? "claims" : "paywall";
    context.emit(request, { type: "dependency_failed", name, error });
  }
  return answer;
}
