import { Hono, type Context } from "hono";
import { readBytes } from "../src/core/body.ts";
import { X402Error } from "../src/core/errors.ts";
import type { Facilitator, FacilitatorCallOptions } from "../src/core/facilitator.ts";
import { parseJson } from "../src/core/json.ts";
import { FacilitatorRequest } from "../src/core/facilitator-messages.ts";
import { FacilitatorRequestV1, facilitatorRequestFromV1 } from "../src/core/messages-v1.ts";
import { parseValue } from "../src/core/parse.ts";
import { problemOf, problemResponse } from "../src/core/problem.ts";

/** Longest request body, in bytes. */
export const MAX_BODY_BYTES = 64 * 1024;

export interface FacilitatorAppOptions {
  /** Answers `GET /settlements/:id`; absent: there is no such route. */
  readonly settlements?: (id: string, call: FacilitatorCallOptions) => Promise<readonly object[]>;
  /** Throws when the service cannot do its work right now; `/health` answers 503 then. */
  readonly check?: () => Promise<void>;
  /** Sees every error that a caller is told nothing about. */
  readonly onError?: (error: unknown) => void;
}

/**
 * HTTP interface of a facilitator (specification v2, section 7; v1 bodies are understood too): `POST /verify`,
 * `POST /settle`, `GET /supported`, `GET /settlements/:id`, `GET /health`. Web standards only: runs in any isolate.
 *
 * Whatever is wrong with a payment is a 200 with a reason. 4xx is for transport and schema, 503 with `Retry-After` for
 * what failed here, all as problem+json with a stable code.
 */
export function createFacilitatorApp(
  facilitator: Facilitator,
  options: FacilitatorAppOptions = {},
): Hono {
  const app = new Hono();

  app.post("/verify", async (c) => {
    const { request, versioned } = await readRequest(c);
    return c.json(versioned(await facilitator.verify(request, callOptions(c))));
  });
  app.post("/settle", async (c) => {
    const { request, versioned } = await readRequest(c);
    return c.json(versioned(await facilitator.settle(request, callOptions(c))));
  });
  app.get("/supported", async (c) => c.json(await facilitator.supported()));
  if (options.settlements !== undefined) {
    const { settlements } = options;
    app.get("/settlements/:id", async (c) => {
      const id = c.req.param("id");
      const found = await settlements(id, callOptions(c));
      if (found.length === 0)
        return problemResponse(404, "not_found", "there is no such settlement of yours");
      return c.json({ settlements: found });
    });
  }
  app.get("/health", async (c) => {
    await options.check?.();
    return c.json({ status: "ok" });
  });

  for (const [path, allow] of [
    ["/verify", "POST"],
    ["/settle", "POST"],
    ["/supported", "GET"],
    ["/health", "GET"],
  ] as const) {
    app.all(path, () =>
      problemResponse(405, "method_not_allowed", `use ${allow} ${path}`, { Allow: allow }),
    );
  }
  app.notFound((c) =>
    problemResponse(404, "not_found", `there is no ${c.req.method} ${c.req.path} here`),
  );
  app.onError((error) => {
    const response = problemOf(error);
    if (response.status >= 500) options.onError?.(error);
    return response;
  });
  return app;
}

interface Versioned {
  readonly request: FacilitatorRequest;
  /** Gives an answer the network name of the version that asked. */
  readonly versioned: <T extends object>(answer: T) => T;
}

async function readRequest(c: Context): Promise<Versioned> {
  const type = c.req.header("content-type") ?? "";
  if (!/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(type)) {
    throw new X402Error("unsupported_media_type", "content-type: must be application/json");
  }
  let value: unknown;
  try {
    value = parseJson(await readBody(c.req.raw));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new X402Error("malformed_request", `body: ${error.message}`);
  }
  const version =
    typeof value === "object" && value !== null
      ? (value as { x402Version?: unknown }).x402Version
      : 0;
  if (version === 2) {
    return {
      request: parseValue(FacilitatorRequest, value, "malformed_request", "body"),
      versioned: (answer) => answer,
    };
  }
  if (version !== 1) throw new X402Error("unsupported_version", "body: x402Version must be 2 or 1");
  const body = parseValue(FacilitatorRequestV1, value, "malformed_request", "body");
  const { network } = body.paymentRequirements;
  return {
    request: facilitatorRequestFromV1(body),
    versioned: (answer) => ("network" in answer ? { ...answer, network } : answer),
  };
}

/** The body as text, read no further than the limit. */
async function readBody(request: Request): Promise<string> {
  let bytes: Uint8Array | undefined;
  try {
    bytes = await readBytes(request.body, MAX_BODY_BYTES);
  } catch {
    throw new X402Error("malformed_request", "body: was cut off");
  }
  if (bytes === undefined) {
    throw new X402Error("payload_too_large", `body: is larger than ${MAX_BODY_BYTES} bytes`);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new X402Error("malformed_request", "body: is not UTF-8");
  }
}

function callOptions(c: Context): FacilitatorCallOptions {
  const idempotencyKey = c.req.header("idempotency-key");
  if (idempotencyKey === undefined) return {};
  if (!/^[\x21-\x7e]{1,255}$/.test(idempotencyKey)) {
    throw new X402Error(
      "malformed_request",
      "idempotency-key: must be 1 to 255 printable ASCII characters",
    );
  }
  return { idempotencyKey };
}
