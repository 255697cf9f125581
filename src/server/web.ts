/** Between plain answers and web `Request` and `Response`. */
import { BODILESS } from "./body.ts";
import type { Answer, Admitted, Gate, Payment } from "./gate.ts";

/** What to do with a request: send this response, or run the handler and send what `finish` makes of its response. */
export type Outcome =
  | { readonly response: Response }
  /** Run the handler and send what it answers: nothing is asked for this request. */
  | { readonly free: true }
  | {
      readonly payment: Payment;
      /** Gives the response to send. Nothing of the handler's response may be sent before. Never throws. */
      finish(response: Response): Promise<Response>;
      /** The handler threw. */
      abandon(): Promise<void>;
    };

/** A gate for web-standard servers. Never throws. */
export type WebGate = (request: Request) => Promise<Outcome>;

export function webGate(gate: Gate): WebGate {
  return async (request) => {
    const decision = await gate(request);
    if ("answer" in decision) return { response: toResponse(decision.answer) };
    if ("free" in decision) return decision;
    return {
      payment: decision.payment,
      abandon: () => decision.abandon(),
      finish: (response) => finishResponse(decision, response),
    };
  };
}

/** The response to send for a handler's response. */
export async function finishResponse(admitted: Admitted, response: Response): Promise<Response> {
  const answer = toAnswer(response);
  const finished = await admitted.finish(answer);
  return finished === answer ? response : toResponse(finished);
}

export function toResponse({ status, headers, body }: Answer): Response {
  return new Response(BODILESS.has(status) ? null : body, { status, headers: toHeaders(headers) });
}

function toHeaders(headers: Answer["headers"]): Record<string, string> | Headers {
  const plain: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    if (typeof value !== "string") return toList(headers);
    plain[name] = value;
  }
  return plain;
}

function toList(headers: Answer["headers"]): Headers {
  const list = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    for (const each of typeof value === "string" ? [value] : value) list.append(name, each);
  }
  return list;
}

function toAnswer(response: Response): Answer {
  const headers: Record<string, string | readonly string[]> = {};
  for (const [name, value] of response.headers) {
    if (name === "set-cookie") headers[name] = response.headers.getSetCookie();
    else headers[name] = value;
  }
  return { status: response.status, headers, body: response.body };
}
