import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { FacilitatorRequest } from "../../src/core/messages.ts";
import { BAD_BODIES } from "./bad-values.ts";
import { expectProblem, send, type SendOptions } from "./send.ts";
import { startSite, type Site } from "./site.ts";

let site: Site;
let request: FacilitatorRequest;

beforeAll(async () => {
  site = await startSite();
  const paymentPayload = await site.payment();
  request = { x402Version: 2, paymentPayload, paymentRequirements: site.offer };
});
afterAll(async () => {
  await site.stop();
});

const JSON_TYPE = { "Content-Type": "application/json" };
const post = (path: string, options: SendOptions) =>
  send(`${site.facilitatorUrl}${path}`, {
    method: "POST",
    ...options,
    headers: { ...JSON_TYPE, ...options.headers },
  });

describe.each(["/verify", "/settle"])("POST %s", (path) => {
  test.each([
    "text/plain",
    "text/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/jsonp",
    "application/json5",
    "application/json, text/plain",
    "json",
    "",
    "application/octet-stream",
    "application/xml",
  ])("content type %j is 415", async (type) => {
    const answer = await post(path, {
      headers: { "Content-Type": type },
      body: JSON.stringify(request),
    });
    expectProblem(answer, 415, "unsupported_media_type");
  });

  test("no content type is 415", async () => {
    const answer = await send(`${site.facilitatorUrl}${path}`, {
      method: "POST",
      body: JSON.stringify(request),
    });
    expectProblem(answer, 415, "unsupported_media_type");
  });

  test("a body over 64 KiB is 413, by its length or as it comes", async () => {
    const body = `{"a":"${"x".repeat(64 * 1024)}"}`;
    expectProblem(await post(path, { body }), 413, "payload_too_large");
    expectProblem(
      await post(path, { body: [body.slice(0, 40_000), body.slice(40_000)] }),
      413,
      "payload_too_large",
    );
  });

  test("the body may be 64 KiB exactly, counted in bytes", async () => {
    const filler = (bytes: number) => `{"x":"${"é".repeat((bytes - 8) / 2)}"}`;
    expectProblem(await post(path, { body: filler(65_536) }), 400, "unsupported_version");
    expectProblem(await post(path, { body: [filler(65_538)] }), 413, "payload_too_large");
  });

  test.each(BAD_BODIES)("a body that is %s is 400 malformed_request", async (_, body) => {
    expectProblem(await post(path, { body }), 400, "malformed_request");
  });

  test.each([
    "null",
    "[]",
    "1",
    '"2"',
    "true",
    "{}",
    '{"x402Version":0}',
    '{"x402Version":3}',
    '{"x402Version":"2"}',
    '{"x402Version":null}',
    '{"x402Version":1.5}',
  ])("%s is 400 unsupported_version", async (body) => {
    expectProblem(await post(path, { body }), 400, "unsupported_version");
  });

  test.each<[string, () => object]>([
    ["nothing but the version", () => ({ x402Version: 2 })],
    ["nothing but the version 1", () => ({ x402Version: 1 })],
    ["no payload", () => ({ ...request, paymentPayload: undefined })],
    [
      "a payload in base64",
      () => ({ ...request, paymentPayload: btoa(JSON.stringify(request.paymentPayload)) }),
    ],
    ["no requirements", () => ({ ...request, paymentRequirements: null })],
    ["a list of requirements", () => ({ ...request, paymentRequirements: [site.offer] })],
    [
      "a v1 payload in a v2 body",
      () => ({ ...request, paymentPayload: { ...request.paymentPayload, x402Version: 1 } }),
    ],
    ["a v2 body called v1", () => ({ ...request, x402Version: 1 })],
    [
      "an amount with an exponent",
      () => ({ ...request, paymentRequirements: { ...site.offer, amount: "1e4" } }),
    ],
    [
      "an amount of 2^256",
      () => ({ ...request, paymentRequirements: { ...site.offer, amount: String(2n ** 256n) } }),
    ],
    [
      "a network that is not CAIP-2",
      () => ({ ...request, paymentRequirements: { ...site.offer, network: "base" } }),
    ],
  ])("%s is 400 malformed_request", async (_, body) => {
    expectProblem(await post(path, { body: JSON.stringify(body()) }), 400, "malformed_request");
  });

  test.each<[string, string | string[]]>([
    ["empty", ""],
    ["with a space", "a b"],
    ["of 256 characters", "x".repeat(256)],
    ["not ASCII", "cl\u00e9"],
    ["sent twice", ["a", "b"]],
  ])("an idempotency key %s is 400", async (_, key) => {
    const answer = await post(path, {
      headers: { "Idempotency-Key": key },
      body: JSON.stringify(request),
    });
    expectProblem(answer, 400, "malformed_request");
  });

  test.each(["GET", "PUT", "PATCH", "DELETE", "OPTIONS"])("%s is 405", async (method) => {
    const answer = await send(`${site.facilitatorUrl}${path}`, { method });
    expectProblem(answer, 405, "method_not_allowed");
    expect(answer.headers["allow"]).toBe("POST");
  });

  test.each(["HEAD", "TRACE"])("%s is a 4xx", async (method) => {
    const { status } = await send(`${site.facilitatorUrl}${path}`, { method });
    expect(Math.floor(status / 100)).toBe(4);
  });

  test("a client that hangs up in the middle of its body harms nobody", async () => {
    const { hostname, port } = new URL(site.facilitatorUrl);
    const socket = connect(Number(port), hostname);
    socket.write(
      `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"a"`,
    );
    await sleep(30);
    socket.destroy();
    await sleep(30);
    expect((await send(`${site.facilitatorUrl}/supported`)).status).toBe(200);
  });
});

test.each([
  "/",
  "/verify/",
  "/Verify",
  "/%76erify/x",
  "/admin",
  "/verify/../settle2",
  "/..%2f..%2fetc/passwd",
  "/%ff%fe",
  "/%00",
  "/<script>",
])("%s is 404", async (path) => {
  const answer = await send(`${site.facilitatorUrl}${path}`, {
    method: "POST",
    headers: JSON_TYPE,
    body: "{}",
  });
  expectProblem(answer, 404, "not_found");
});

test.each(["/supported", "/health"])("POST %s is 405", async (path) => {
  expectProblem(await post(path, { body: "{}" }), 405, "method_not_allowed");
});

test("of all this nothing reached the chain, and the operator was told of no error: none was", () => {
  expect(site.rpc.total).toBe(0);
  expect(site.errors).toEqual([]);
});
