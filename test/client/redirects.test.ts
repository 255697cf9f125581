import { describe, expect, test } from "vitest";
import { demand, isPaid, openShop, openWallet, sell } from "./shop.ts";

const redirectTo = (Location: string, status = 307) => ({ status, headers: { Location } });

describe("a redirect of a paid request is returned, never followed", () => {
  test.each([301, 302, 303, 307, 308])("status %i to another origin", async (status) => {
    const thief = await openShop();
    const shop = await openShop((request) =>
      isPaid(request) ? redirectTo(thief.url, status) : demand(),
    );
    const wallet = openWallet();
    const response = await wallet.pay(shop.url);
    expect(response.status).toBe(status);
    expect(thief.received).toEqual([]);
    expect(wallet.signatures).toBe(1);
  });

  test("nor within the origin", async () => {
    const shop = await openShop((request) =>
      isPaid(request) ? redirectTo("/elsewhere") : demand(),
    );
    expect((await openWallet().pay(shop.url)).status).toBe(307);
    expect(shop.received).toHaveLength(2);
  });

  test("even when the caller asked for redirects to be followed", async () => {
    const thief = await openShop();
    const shop = await openShop((request) => (isPaid(request) ? redirectTo(thief.url) : demand()));
    await openWallet().pay(new Request(shop.url, { redirect: "follow" }), { redirect: "follow" });
    expect(thief.received).toEqual([]);
  });
});

describe("a 402 after a redirect", () => {
  test.each([301, 302, 303, 307, 308])(
    "of status %i to another origin is not paid",
    async (status) => {
      const other = await openShop();
      const shop = await openShop(() => redirectTo(other.url, status));
      const wallet = openWallet();
      await expect(wallet.pay(shop.url)).rejects.toMatchObject({
        name: "PaymentRefused",
        code: "payment_refused",
        rule: "redirected",
      });
      expect(wallet.signatures).toBe(0);
      expect(other.received).toHaveLength(1);
      expect(shop.received).toHaveLength(1);
    },
  );

  test("to another port or host name of the same machine is another origin", async () => {
    const shop = await openShop((request) =>
      request.headers.host?.startsWith("localhost") === true
        ? redirectTo(`http://127.0.0.1:${request.headers.host.split(":")[1]}/`)
        : demand(),
    );
    const wallet = openWallet();
    const url = shop.url.replace("127.0.0.1", "localhost");
    await expect(wallet.pay(url)).rejects.toMatchObject({ code: "payment_refused" });
    expect(wallet.signatures).toBe(0);
  });

  test("within the origin is paid where it was asked for", async () => {
    const shop = await openShop((request) =>
      request.path === "/old" ? redirectTo("/new") : sell()(request),
    );
    expect((await openWallet().pay(`${shop.url}/old`)).status).toBe(200);
    expect(shop.received.map((request) => [request.path, isPaid(request)])).toEqual([
      ["/old", false],
      ["/new", false],
      ["/new", true],
    ]);
  });

  test("of a POST is not paid: what would be sent again is not known", async () => {
    const shop = await openShop((request) =>
      request.path === "/form" ? redirectTo("/result", 303) : sell()(request),
    );
    const wallet = openWallet();
    await expect(wallet.pay(`${shop.url}/form`, { method: "POST", body: "a=1" })).rejects.toThrow(
      expect.objectContaining({ code: "payment_refused" }) as Error,
    );
    expect(shop.received).toHaveLength(2);
  });
});
