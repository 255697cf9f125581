/** An internet whose public hosts are all one server of ours, and which leads nowhere else. */
import { afterEach } from "vitest";
import { openServer, type Answer, type HostileServer, type Visit } from "./server.ts";

export const REFUSED = { name: "PaymentRefused", rule: "private_address" };
type Asked = [url: string, init: RequestInit | undefined];

const open: HostileServer[] = [];
afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

export async function internet(
  answer: (visit: Visit) => Answer = () => ({ status: 200, body: "hello" }),
) {
  const server = await openServer(answer);
  open.push(server);
  const asked: Asked[] = [];
  const base: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    asked.push([request.url, init]);
    const url = new URL(request.url);
    const sent = new Request(`${server.url}${url.pathname}`, request);
    sent.headers.set("X-Host", url.hostname);
    const response = await fetch(sent, { redirect: "manual" });
    // Never for real: nothing but the server above is to be reached.
    if (request.redirect !== "manual" && response.headers.has("Location"))
      throw new Error("fetch itself would follow this redirect");
    return response;
  };
  return { server, asked, base };
}
