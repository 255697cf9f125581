/** The head of a Node response, as a handler writes it and as an answer has it. */
import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { Answer } from "../../server/gate.ts";

export type Head = Pick<Answer, "status" | "headers">;

/** The arguments of `writeHead`. */
export type HeadArguments = readonly [status: number, reasonOrHeaders?: unknown, headers?: unknown];

/**
 * Does what Node's `writeHead` does, without sending.
 *
 * @throws RangeError for a status that is none, as Node does.
 */
export function setHead(res: ServerResponse, [status, second, third]: HeadArguments): Head {
  if (!(status >= 100 && status <= 999)) {
    const error = new RangeError(`Invalid status code: ${status}`);
    throw Object.assign(error, { code: "ERR_HTTP_INVALID_STATUS_CODE" });
  }
  res.statusCode = Math.trunc(status);
  if (typeof second === "string") res.statusMessage = second;
  const headers = typeof second === "string" ? third : (second ?? third);
  if (Array.isArray(headers)) setPairs(res, headers);
  else {
    for (const [name, value] of Object.entries((headers ?? {}) as OutgoingHttpHeaders))
      res.setHeader(name, value as OutgoingHttpHeader);
  }
  return { status: res.statusCode, headers: headersOf(res) };
}

/** Remembers status and headers; the function that it gives sets them as they were. */
export function headSaved(res: ServerResponse): () => void {
  const { statusCode, statusMessage } = res;
  const headers = res.getHeaders();
  return () => {
    for (const name of res.getHeaderNames()) {
      if (!(name in headers)) res.removeHeader(name);
    }
    for (const [name, value] of Object.entries(headers)) res.setHeader(name, value ?? "");
    Object.assign(res, { statusCode, statusMessage });
  };
}

/** Names and values in turn, or pairs of them; what is named twice is sent twice. */
function setPairs(res: ServerResponse, list: readonly unknown[]): void {
  const flat = list.flat() as OutgoingHttpHeader[];
  const names = flat.filter((_, index) => index % 2 === 0).map(String);
  for (const name of names) res.removeHeader(name);
  for (const [index, name] of names.entries()) {
    const value = flat[index * 2 + 1];
    res.appendHeader(name, Array.isArray(value) ? value : String(value));
  }
}

/** Names in lower case. How a body is framed is for the connection that it is sent on. */
function headersOf(res: ServerResponse): Answer["headers"] {
  const headers: Record<string, string | readonly string[]> = {};
  for (const [name, value] of Object.entries(res.getHeaders())) {
    if (value === undefined || name === "transfer-encoding") continue;
    headers[name] = Array.isArray(value) ? value.map(String) : String(value);
  }
  return headers;
}
