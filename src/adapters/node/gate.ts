/** What the adapters of Node servers do at a gate. */
import type { ServerResponse } from "node:http";
import { notHeld } from "../../server/answers.ts";
import type { Decision, Payment } from "../../server/gate.ts";
import { holdResponse, type HeldResponse } from "./response.ts";
import { sendAnswer } from "./send.ts";
import { onceOnly, SWITCHED } from "../shared/switched.ts";

/** The handler runs: for a payment, with its response held back, or for free. */
export interface Entry {
  readonly payment?: Payment;
  readonly held?: HeldResponse;
}

/**
 * Carries out a decision. Nothing is returned where the handler must not run: an answer was sent; or the client has gone,
 * or was answered by something else meanwhile, and the payment was let go.
 */
export async function enter(
  decision: Decision,
  res: ServerResponse,
  /** Whether the handler gets a WebSocket in place of the response. */
  isSocket = false,
): Promise<Entry | undefined> {
  if ("free" in decision) return {};
  if ("answer" in decision) {
    sendAnswer(res, onceOnly(decision.answer));
    return undefined;
  }
  const { payment } = decision;
  if (hasGone(res) || res.headersSent) {
    await decision.abandon();
    return undefined;
  }
  if (!isSocket) {
    if (isQueued(res)) closeWithConnection(res);
    try {
      return { payment, held: holdResponse(res, decision) };
    } catch (error) {
      await decision.abandon();
      throw error;
    }
  }
  if (payment.transaction === undefined) {
    await decision.abandon();
    const why = "A WebSocket cannot be held back until it is paid: settle this route before.";
    sendAnswer(res, notHeld(why));
    return undefined;
  }
  await decision.finish(SWITCHED);
  return { payment };
}

/** Whether it waits for the responses to earlier requests of its connection, which were sent without waiting. */
function isQueued(res: ServerResponse): boolean {
  return res.socket === null && !res.writableFinished;
}

function hasGone(res: ServerResponse): boolean {
  return res.destroyed || (isQueued(res) && res.req.socket.destroyed);
}

/** Node tells only the response that has the connection that it was closed. */
function closeWithConnection(res: ServerResponse): void {
  const { socket } = res.req;
  const onClose = () => {
    if (!isQueued(res) || res.destroyed) return;
    res.destroyed = true;
    res.emit("close");
  };
  socket.once("close", onClose);
  res.once("close", () => socket.off("close", onClose));
}
