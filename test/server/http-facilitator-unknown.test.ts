import type { RequestListener } from "node:http";
import { describe, expect, test } from "vitest";
import { httpFacilitator } from "../../src/server/index.ts";
import { answering, listen, request } from "./peer.ts";

const FAST = { timeoutMs: 300, settleTimeoutMs: 300 };

describe("an answer that cannot be read is unknown: verify may be repeated, settle only as it is", () => {
  test.each<[string, number, string, string]>([
    ["HTML with 200", 200, "<html>welcome</html>", "facilitator_malformed"],
    ["HTML with 502", 502, "<html>bad gateway</html>", "facilitator_unavailable"],
    ["nothing with 204", 200, "", "facilitator_malformed"],
    ["nothing with 503", 503, "", "facilitator_unavailable"],
    ["JSON of another shape", 200, '{"ok":true}', "facilitator_malformed"],
    [
      "problem+json",
      400,
      '{"type":"about:blank","status":400,"code":"malformed_request"}',
      "facilitator_malformed",
    ],
    [
      "isValid and success as text",
      200,
      '{"isValid":"true","success":"true"}',
      "facilitator_malformed",
    ],
    ["null", 200, "null", "facilitator_malformed"],
    ["a list", 200, '[{"isValid":true}]', "facilitator_malformed"],
    ["JSON cut off", 200, '{"isValid":true,"success":true', "facilitator_malformed"],
    [
      "success without transaction",
      200,
      '{"success":true,"network":"eip155:84532"}',
      "facilitator_malformed",
    ],
    [
      "forbidden keys",
      200,
      '{"isValid":true,"success":true,"__proto__":{}}',
      "facilitator_malformed",
    ],
    [
      "more than 64 KiB",
      200,
      `{"isValid":true,"success":true,"x":"${"x".repeat(65_536)}"}`,
      "facilitator_malformed",
    ],
  ])("%s", async (_, status, body, code) => {
    const facilitator = httpFacilitator(await answering(status, body));
    await expect(facilitator.verify(request)).rejects.toMatchObject({
      name: "X402Error",
      code,
      retry: "safe",
    });
    await expect(facilitator.settle(request)).rejects.toMatchObject({
      name: "X402Error",
      code,
      retry: "unsafe",
    });
  });

  test.each<[string, RequestListener]>([
    ["no answer in time", () => undefined],
    [
      "no body in time",
      (_, response) => response.writeHead(200, { "Content-Length": "9" }).flushHeaders(),
    ],
    ["connection reset", (incoming) => void incoming.socket.destroy()],
    [
      "body cut off",
      (incoming, response) =>
        void response
          .writeHead(200, { "Content-Length": "99" })
          .write("{", () => incoming.socket.destroy()),
    ],
    ["a redirect", (_, response) => void response.writeHead(307, { Location: "/elsewhere" }).end()],
  ])("%s", async (_, listener) => {
    const facilitator = httpFacilitator(await listen(listener), FAST);
    const code = "facilitator_unavailable";
    await expect(facilitator.verify(request)).rejects.toMatchObject({
      name: "X402Error",
      code,
      retry: "safe",
    });
    await expect(facilitator.settle(request)).rejects.toMatchObject({
      name: "X402Error",
      code,
      retry: "unsafe",
    });
  });

  test("nobody listening", async () => {
    const facilitator = httpFacilitator("http://127.0.0.1:1", FAST);
    await expect(facilitator.settle(request)).rejects.toMatchObject({
      code: "facilitator_unavailable",
      retry: "unsafe",
    });
    await expect(facilitator.supported()).rejects.toMatchObject({
      code: "facilitator_unavailable",
      retry: "safe",
    });
  });

  test("a body without end is cut off at the limit, or at least when the time is up", async () => {
    const LIMIT = 64 * 1024 * 1024;
    let sent = 0;
    const url = await listen((_, response) => {
      const chunk = Buffer.alloc(64 * 1024, " ");
      const more = (): void => {
        if (response.destroyed || sent >= LIMIT) return;
        sent += chunk.length;
        response.write(chunk);
      };
      response.on("drain", more).writeHead(200);
      more();
    });
    const facilitator = httpFacilitator(url, { timeoutMs: 1000 });
    await expect(facilitator.verify(request)).rejects.toMatchObject({
      name: "X402Error",
      retry: "safe",
    });
    expect(sent).toBeLessThan(LIMIT / 4);
  }, 3000);

  test("the caller gives up", async () => {
    const facilitator = httpFacilitator(await listen(() => undefined));
    const settle = facilitator.settle(request, { signal: AbortSignal.timeout(50) });
    await expect(settle).rejects.toMatchObject({
      code: "facilitator_unavailable",
      retry: "unsafe",
    });
  });
});
