import { describe, expect, test } from "vitest";
import {
  memorySpendStore,
  refusePrivateAddresses,
  wrapFetchWithPayment,
} from "../../../src/client/index.ts";
import { exactEvm } from "../../../src/evm/index.ts";
import { internet, REFUSED } from "./internet.ts";
import { openBuyer, outcomeOf } from "./meter.ts";
import { ask, deliver } from "./server.ts";

describe("a redirect", () => {
  const to = (location: string, status = 302) =>
    internet(({ path }) =>
      path === "/start"
        ? { status, headers: { Location: location } }
        : { status: 200, body: "secret" },
    );
  const START = "http://example.com/start";

  test.each([
    "http://127.0.0.1/",
    "//169.254.169.254/",
    "http://[::ffff:127.0.0.1]/",
    "http://0x7f.1/",
    "http://metadata.google.internal/",
  ])("to %s is refused, whatever the settings", async (location) => {
    const { base, asked } = await to(location);
    const safe = refusePrivateAddresses(base);
    const calls: [string | Request, object?][] = [
      [START],
      [START, {}],
      [START, { redirect: "follow" }],
      [START, { redirect: undefined }],
      [START, { method: "get" }],
      [START, { method: undefined, headers: undefined, signal: undefined }],
      [START, { url: "http://elsewhere.example/" }],
      [new Request(START)],
      [new Request(START), { redirect: undefined }],
    ];
    for (const [input, init] of calls)
      expect(await outcomeOf(safe(input, init))).toMatchObject(REFUSED);
    expect(asked.map(([url]) => url)).toEqual(calls.map(() => START));
  });

  test("`url` in the settings does not stand for the one that is asked", async () => {
    const { base, asked } = await internet();
    const init = { url: "http://example.com/" };
    expect(
      await outcomeOf(refusePrivateAddresses(base)("http://127.0.0.1/", init as RequestInit)),
    ).toMatchObject(REFUSED);
    expect(asked).toEqual([]);
  });

  test("to another public host is followed without credentials, with the other settings", async () => {
    const { base, asked } = await to("http://other.example/end");
    const headers = { Authorization: "Bearer x", Cookie: "a=b", "X-Own": "1" };
    const dispatcher = { own: true };
    const safe = refusePrivateAddresses((input, init) => {
      const { dispatcher: given, ...rest } = init as RequestInit & { dispatcher?: unknown };
      expect(given).toBe(dispatcher);
      return base(input, rest);
    });
    const response = await safe(START, { headers, dispatcher } as RequestInit);
    expect(await response.text()).toBe("secret");
    expect(response).toMatchObject({ url: "http://other.example/end", redirected: true });
    const last = new Headers(asked[1]?.[1]?.headers);
    expect([...last.keys()]).toEqual(["x-own"]);
  });

  test.each(["file:///etc/passwd", "data:text/plain,x", "javascript:1", "http://"])(
    "to %s is an error",
    async (location) => {
      const { base } = await to(location);
      expect(await outcomeOf(refusePrivateAddresses(base)(START))).toBeInstanceOf(TypeError);
    },
  );

  test("without end is an error", async () => {
    const { base, asked } = await internet(() => ({ status: 302, headers: { Location: "/x" } }));
    const safe = refusePrivateAddresses(base, { maxRedirects: 3 });
    expect(await outcomeOf(safe(START))).toBeInstanceOf(TypeError);
    expect(asked).toHaveLength(4);
  });

  test.each(["manual", "error"] as const)(
    "is left to fetch with redirect: %s",
    async (redirect) => {
      const { base, asked } = await to("http://127.0.0.1/");
      await outcomeOf(refusePrivateAddresses(base)(START, { redirect }));
      expect(asked.map(([url]) => url)).toEqual([START]);
    },
  );

  test("of a body that is a stream is given back, not followed", async () => {
    const { base, asked } = await to("http://127.0.0.1/", 307);
    const body = new Blob(["x"]).stream();
    const request = new Request(START, { method: "POST", body, duplex: "half" } as RequestInit);
    const response = await refusePrivateAddresses(base)(request);
    expect(response.status).toBe(307);
    expect(asked).toHaveLength(1);
  });
});

test("a paying fetch over it pays nobody at a private address", async () => {
  const { base, asked } = await internet();
  const pay = wrapFetchWithPayment(refusePrivateAddresses(base), {
    schemes: [exactEvm()],
  });
  expect(await outcomeOf(pay("http://169.254.169.254/"))).toMatchObject(REFUSED);
  expect(asked).toEqual([]);
});

test("a name that turns private after the 402 is refused as such, and the payment waits", async () => {
  const { base, server } = await internet(({ paid }) => (paid ? deliver() : ask()));
  const named: typeof fetch = async (input, init) =>
    Object.defineProperty(await base(input, init), "url", { value: input });
  const store = memorySpendStore();
  let addresses = ["93.184.215.14"];
  const buyer = openBuyer({
    store,
    fetch: refusePrivateAddresses(named, { resolve: async () => addresses }),
    onSign: () => void (addresses = ["127.0.0.1"]),
  });
  const url = "http://example.com/report";
  expect(await outcomeOf(buyer.pay(url))).toMatchObject(REFUSED);
  expect(server.visits.filter(({ paid }) => paid)).toEqual([]);
  expect(await store.list()).toMatchObject([{ state: "pending", leaseUntilMs: 0 }]);
  addresses = ["93.184.215.14"];
  expect((await buyer.pay(url)).status).toBe(200);
  expect(buyer.signed).toHaveLength(1);
});
