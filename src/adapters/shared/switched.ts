/** Connections that a paid handler switched to another protocol, such as WebSocket. */
import { conflict } from "../../server/answers.ts";
import type { Answer } from "../../server/gate.ts";

/** What a gate is told of one. */
export const SWITCHED: Answer = { status: 101, headers: {}, body: null };

/** A payment opens a connection once: what is stored of it cannot be sent again. */
export function onceOnly(answer: Answer): Answer {
  return answer.status === SWITCHED.status ? conflict("payment_already_used") : answer;
}
