/** Connections that a paid handler switched to another protocol, such as WebSocket. */
import { conflict } from "../../server/answers.ts";
import type { Answer } from "../../server/gate.ts";

/** What a gate is told of one, and keeps: a status below 200 is no response that can be paid for. */
export const SWITCHED: Answer = { status: 204, headers: { upgrade: "switched" }, body: null };

/** Whether an answer is what was kept of one. */
export function isSwitched({ status, headers }: Answer): boolean {
  return status === SWITCHED.status && headers["upgrade"] === SWITCHED.headers["upgrade"];
}

/** A payment opens a connection once: what is kept of it cannot be sent again. */
export function onceOnly(answer: Answer): Answer {
  return isSwitched(answer) ? conflict("payment_already_used") : answer;
}
