/** One behaviour for every adapter: there is no way around the price. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ADAPTERS, openSite, type Site } from "./sites.ts";
import { ask, payFor, presenting } from "./visit.ts";

const SPELLINGS = [
  "/report",
  "/report/",
  "//report",
  "/report//",
  "/REPORT",
  "/%72eport",
  "/%2572eport",
  "/report%2f",
  "/report%00",
  "/./report",
  "/x/../report",
  "/x/%2e%2e/report",
  "/x/..%2freport",
  "\\report",
  "/\\report",
  "/report?x",
  "/report?",
  "/report;v=1",
  "/report%3f",
  "/report#x",
  "http://evil.example/report",
  "http://evil.example//report",
  "//evil.example/report",
  "/\\evil.example/report",
  "//evil.example/x/../report",
];

const isMiddleware = (name: string) => name.endsWith("paymentMiddleware");

describe.each(Object.keys(ADAPTERS))("%s", (name) => {
  let site: Site;
  let port: number;
  beforeAll(async () => {
    site = await openSite(ADAPTERS[name]!, { cors: true });
    ({ port } = site);
  });
  afterAll(() => site.close());

  test("no spelling of a path reaches the handler unpaid", async () => {
    for (const path of SPELLINGS) {
      for (const method of ["GET", "HEAD"]) {
        const { status } = await ask(port, path, { method });
        expect([400, 402, 404], `${method} ${path}`).toContain(status);
      }
    }
    expect(site.runs("/report")).toBe(0);
  });

  test("nor does a Host that makes another URL of it, or none", async () => {
    for (const host of [
      "x/free?",
      "x#",
      "a@b",
      "[",
      "a b",
      "evil.example:99999",
      "256.256.256.256",
    ]) {
      const headers = ["Host", host];
      const { status } = await ask(port, "/report", { headers });
      expect([400, 402], host).toContain(status);
    }
    expect(site.runs("/report")).toBe(0);
  });

  test("nor does any method, by itself or by an override", async () => {
    const overrides = ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"];
    for (const method of ["GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "PROPFIND"]) {
      await ask(port, "/report", { method });
      for (const path of [
        "/report?_method=GET",
        "/report?%5Fmethod=get",
        "/report?a&_method=GET",
      ]) {
        const { status } = await ask(port, path, { method });
        if (isMiddleware(name)) expect([method, path, status]).toEqual([method, path, 402]);
      }
      for (const header of overrides) {
        const { status } = await ask(port, "/report", { method, headers: [header, "get"] });
        if (isMiddleware(name)) expect([method, header, status]).toEqual([method, header, 402]);
      }
    }
    expect(site.runs("/report")).toBe(0);
  });

  test("nor does a request for an upgrade; one that is paid is an ordinary request", async () => {
    for (const protocol of ["websocket", "h2c"]) {
      const headers = ["Connection", "Upgrade", "Upgrade", protocol];
      const { status } = await ask(port, "/report", { headers });
      expect(status).toBe(402);
    }
    expect(site.runs("/report")).toBe(0);
    const payment = await payFor(port, "/cookies");
    const headers = ["Connection", "Upgrade", "Upgrade", "h2c", ...presenting(payment)];
    expect((await ask(port, "/cookies", { headers })).status).toBe(200);
  });

  test("a preflight is answered, and does not run the handler", async () => {
    const headers = ["Origin", "https://a.example", "Access-Control-Request-Method", "GET"];
    const { status, headers: answered } = await ask(port, "/report", {
      method: "OPTIONS",
      headers,
    });
    if (isMiddleware(name)) {
      expect(status).toBe(204);
      expect(answered).toMatchObject({
        "access-control-allow-origin": "*",
        "access-control-allow-headers": expect.stringContaining("PAYMENT-SIGNATURE"),
      });
    }
    const override = [...headers, "X-HTTP-Method-Override", "GET"];
    await ask(port, "/report", { method: "OPTIONS", headers: override });
    expect(site.runs("/report")).toBe(0);
  });

  test("scripts of other origins may read what is asked, and what they paid for", async () => {
    const origin = ["Origin", "https://a.example"];
    const unpaid = await ask(port, "/report", { headers: origin });
    const payment = await payFor(port, "/cookies");
    const paid = await ask(port, "/cookies", { headers: [...origin, ...presenting(payment)] });
    for (const { headers } of [unpaid, paid]) {
      expect(headers["access-control-allow-origin"]).toBe("*");
      expect(headers["access-control-expose-headers"]).toContain("PAYMENT-REQUIRED");
    }
  });

  test("what has no price is free", async () => {
    expect((await ask(port, "/elsewhere")).status).toBe(404);
    expect((await ask(port, "/order")).status).toBe(404);
  });
});
