/** Requests that are sent one after the other without waiting for responses, on a connection that breaks. */
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { serve } from "./paid-server.ts";
import { ask, payFor, presenting } from "./visit.ts";

test("charged before, a response that waits for its turn is let go, and the payment has it again", async () => {
  let runs = 0;
  const size = 4 * 1024 * 1024;
  const { port, facilitator } = await serve(
    async (_, res) => {
      runs += 1;
      for (let at = 0; at < size && !res.destroyed; at += 65_536) {
        if (!res.write(Buffer.alloc(65_536))) await sleep(1);
      }
      res.end();
    },
    { settle: "before" },
  );
  const payments = [await payFor(port, "/"), await payFor(port, "/")];
  const [first, second] = payments.map((payment) => presenting(payment));
  let verify = () => {};
  const waits = new Promise<void>((resolve) => (verify = resolve));
  facilitator.onVerify = async () => {
    if (facilitator.verifies.length === 1) await waits;
    return { isValid: true };
  };
  const socket = connect(port, "127.0.0.1");
  for (const [name, value] of [first!, second!])
    socket.write(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${name}: ${value}\r\n\r\n`);
  await expect.poll(() => runs).toBe(1);
  socket.destroy();
  await sleep(50);
  verify();
  let again = await ask(port, "/", { headers: second! });
  for (let tries = 0; again.status === 409 && tries < 50; tries++) {
    await sleep(10);
    again = await ask(port, "/", { headers: second! });
  }
  expect([again.status, again.bytes.length, runs]).toEqual([200, size, 2]);
});
