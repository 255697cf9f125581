import { X402Error } from "../core/errors.ts";
import type { PaywallContext } from "./context.ts";
import type { Refusal } from "./events.ts";
import type { PaywallRequest } from "./gate.ts";

/**
 * Calls a function of the publisher that decides about a request, and gives what it says.
 *
 * @throws X402Error `request_refused` when it refuses, `hook_failed` when it throws: guards fail closed.
 */
export async function guard<T>(
  context: PaywallContext,
  request: PaywallRequest,
  hook: string,
  ask: () => T | Refusal | Promise<T | Refusal>,
): Promise<T> {
  let said: T | Refusal;
  try {
    said = await ask();
  } catch (error) {
    context.emit(request, { type: "hook_failed", hook, error });
    throw new X402Error("hook_failed", `${hook} failed`, { cause: error });
  }
  if (isRefusal(said)) throw new X402Error("request_refused", said.reason);
  return said;
}

function isRefusal(said: unknown): said is Refusal {
  return typeof said === "object" && said !== null && "abort" in said;
}
