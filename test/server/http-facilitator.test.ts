import type { IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { httpFacilitator } from "../../src/server/index.ts";
import { answering, listen, request } from "./peer.ts";
import { NETWORK } from "./world.ts";

describe("the JSON body counts, whatever the status", () => {
  test.each([200, 201, 400, 402, 412, 422, 500, 503])("%i", async (status) => {
    const verified = { isValid: false, invalidReason: "invalid_exact_evm_signature" };
    const verify = httpFacilitator(await answering(status, JSON.stringify(verified)));
    expect(await verify.verify(request)).toEqual(verified);
    const answer = {
      success: false,
      errorReason: "settlement_pending",
      transaction: "0x1",
      network: NETWORK,
    };
    const settle = httpFacilitator(await answering(status, JSON.stringify(answer)));
    expect(await settle.settle(request)).toEqual(answer);
  });

  test("whatever its content type, with unknown and null fields", async () => {
    const body =
      '{"success":true,"transaction":"0x1","network":"eip155:84532","payer":null,"extra":null,"gasUsed":1}';
    const facilitator = httpFacilitator(await answering(200, body, "text/html"));
    expect(await facilitator.settle(request)).toMatchObject({
      success: true,
      transaction: "0x1",
      gasUsed: 1,
    });
  });
});

describe("what is sent", () => {
  test("the request as JSON, the caller's headers and the idempotency key, below the base URL", async () => {
    const seen: { incoming: IncomingMessage; body: string }[] = [];
    const url = await listen(async (incoming, response) => {
      seen.push({ incoming, body: await text(incoming) });
      response.end('{"isValid":true,"kinds":[]}');
    });
    const facilitator = httpFacilitator(`${url}/x402/`, { headers: { Authorization: "Bearer k" } });
    await facilitator.verify(request, { idempotencyKey: "key-1" });
    await facilitator.supported();
    const [verify, supported] = seen;
    expect(verify?.incoming).toMatchObject({ method: "POST", url: "/x402/verify" });
    expect(verify?.incoming.headers).toMatchObject({
      authorization: "Bearer k",
      "idempotency-key": "key-1",
      "content-type": "application/json",
    });
    expect(JSON.parse(verify?.body ?? "")).toEqual(request);
    expect(supported?.incoming).toMatchObject({ method: "GET", url: "/x402/supported" });
    expect(supported?.incoming.headers).toMatchObject({ authorization: "Bearer k" });
  });

  test("nothing to where a redirect points: it would get the API key", async () => {
    let asked = 0;
    const thief = await listen((_, response) => ((asked += 1), response.end('{"isValid":true}')));
    const url = await listen((_, response) =>
      response.writeHead(307, { Location: `${thief}/verify` }).end(),
    );
    await expect(httpFacilitator(url).verify(request)).rejects.toMatchObject({
      code: "facilitator_unavailable",
    });
    expect(asked).toBe(0);
  });
});
