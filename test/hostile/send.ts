import { request, type IncomingHttpHeaders } from "node:http";
import { expect } from "vitest";

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface SendOptions {
  readonly method?: string;
  /** A list sends the header several times. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** Several parts are sent chunked, without a length. */
  readonly body?: string | Uint8Array | readonly (string | Uint8Array)[];
}

/** Sends a request over a socket of its own, just as it is told, with nothing added but `Host`. */
export function send(
  url: string,
  { method = "GET", headers = {}, body }: SendOptions = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, {
      method,
      agent: false,
      headers: headers as Record<string, string>,
    });
    outgoing.once("response", (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      const done = () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(parts).toString(),
        });
      response.once("end", done);
      response.once("error", done);
    });
    // After an early refusal the rest of the request cannot be written any more; the answer counts.
    outgoing.once("error", reject);
    if (body === undefined) outgoing.end();
    else if (Array.isArray(body)) {
      for (const part of body as readonly (string | Uint8Array)[]) outgoing.write(part);
      outgoing.end();
    } else outgoing.end(body);
  });
}

/** What an answer must never hold: the text of an exception, a stack, a path of the source, a key. */
const LEAK =
  /\bat \S+ \(|node_modules|\.[tj]s:\d|[A-Z]\w*Error\b|\bstack\b|127\.0\.0\.1:\d+\/?"?$|privateKey/;

/** A refusal: problem+json with a stable code, that tells nothing about the inside. */
export function expectProblem(answer: Answer, status: number, code: string): void {
  expect({ status: answer.status, body: answer.body }).toMatchObject({ status });
  expect(answer.headers["content-type"]).toBe("application/problem+json");
  expect(answer.headers["cache-control"]).toBe("no-store");
  expect(JSON.parse(answer.body)).toMatchObject({
    status,
    code,
    detail: expect.any(String) as string,
  });
  expect(answer.body).not.toMatch(LEAK);
  expect(answer.body.length).toBeLessThan(1000);
}
