import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { httpFacilitator } from "../../src/server/index.ts";
import { answering, request } from "./peer.ts";

test.each([401, 403, 404, 405, 413, 415, 429])(
  "status %i without an answer of the protocol: nothing was done, another facilitator may settle",
  async (status) => {
    const { settle } = httpFacilitator(await answering(status, '{"error":"no"}'));
    const refused = { name: "X402Error", code: "facilitator_refused", retry: "safe" };
    await expect(settle(request)).rejects.toMatchObject(refused);
  },
);

test("the same status with an answer of the protocol is that answer", async () => {
  const answer = {
    success: false,
    transaction: "",
    network: "eip155:84532",
    errorReason: "duplicate_settlement",
  };
  const { settle } = httpFacilitator(await answering(403, JSON.stringify(answer)));
  expect(await settle(request)).toEqual(answer);
});

test("a connection that is refused: nothing was done", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  for (const host of ["127.0.0.1", "localhost"]) {
    await expect(httpFacilitator(`http://${host}:${port}`).settle(request)).rejects.toMatchObject({
      code: "facilitator_unavailable",
      retry: "safe",
    });
  }
});

test("a name that nobody has: nothing was done", async () => {
  const { settle } = httpFacilitator("http://facilitator.invalid");
  await expect(settle(request)).rejects.toMatchObject({ retry: "safe" });
});
