import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { openShop, openWallet, type Received } from "./shop.ts";

const BYTES = Uint8Array.from({ length: 1000 }, (_, i) => i % 256);

/** Pays for a request with a body; gives both requests as they arrived. */
async function send(
  init: RequestInit,
  headers: Record<string, string> = {},
): Promise<[Received, Received]> {
  const shop = await openShop();
  const response = await openWallet().pay(`${shop.url}/x`, { method: "POST", ...init, headers });
  expect(response.status).toBe(200);
  expect(shop.received).toHaveLength(2);
  return [shop.received[0]!, shop.received[1]!];
}

const streamOf = (...parts: readonly Uint8Array[]) =>
  new ReadableStream<Uint8Array>({
    start(controller) {
      for (const part of parts) controller.enqueue(part);
      controller.close();
    },
  });

describe("a body is sent again exactly", () => {
  test.each<[string, () => BodyInit, string | undefined]>([
    ["text", () => "héllo", "text/plain;charset=UTF-8"],
    ["empty text", () => "", "text/plain;charset=UTF-8"],
    [
      "URLSearchParams",
      () => new URLSearchParams({ a: "1 2", b: "é" }),
      "application/x-www-form-urlencoded;charset=UTF-8",
    ],
    ["Blob", () => new Blob([BYTES], { type: "image/png" }), "image/png"],
    ["ArrayBuffer", () => BYTES.slice().buffer, undefined],
    ["a view of bytes", () => BYTES.subarray(10, 20), undefined],
    ["a stream", () => streamOf(BYTES, BYTES), undefined],
    ["an empty stream", () => streamOf(), undefined],
  ])("%s", async (_, body, type) => {
    const [first, second] = await send({ body: body(), duplex: "half" } as RequestInit);
    expect(first.body).toEqual(Buffer.from(await new Response(body()).arrayBuffer()));
    expect(second.body).toEqual(first.body);
    expect(first.headers["content-type"]).toBe(type);
    expect(second.headers["content-type"]).toBe(type);
    expect(second.method).toBe("POST");
  });

  test("FormData, but for the boundary that fetch makes up", async () => {
    const form = new FormData();
    form.append("a", "1");
    form.append("file", new Blob([BYTES]), "bytes.bin");
    for (const { body, headers } of await send({ body: form })) {
      const read = await new Response(new Uint8Array(body), {
        headers: { "Content-Type": String(headers["content-type"]) },
      }).formData();
      expect(read.get("a")).toBe("1");
      expect(new Uint8Array(await (read.get("file") as File).arrayBuffer())).toEqual(BYTES);
    }
  });

  test("with a content type of the caller's own", async () => {
    const [first, second] = await send({ body: '{"a":1}' }, { "Content-Type": "application/json" });
    for (const { headers, body } of [first, second]) {
      expect(headers["content-type"]).toBe("application/json");
      expect(body.toString()).toBe('{"a":1}');
    }
  });

  test("in a Request, also with changes of init", async () => {
    const shop = await openShop();
    const wallet = openWallet();
    const bodies: BodyInit[] = ["text", BYTES, new Blob([BYTES]), streamOf(BYTES)];
    for (const body of bodies) {
      const init = {
        method: "PUT",
        body,
        duplex: "half",
        headers: { "X-Own": "1" },
      } as RequestInit;
      await wallet.pay(new Request(`${shop.url}/x`, init), { headers: { "X-Other": "2" } });
    }
    await wallet.pay(new Request(`${shop.url}/x`, { method: "POST", body: "first" }), {
      body: "second",
    });
    for (let i = 0; i < shop.received.length; i += 2) {
      const [first, second] = shop.received.slice(i, i + 2);
      expect(second?.body).toEqual(first?.body);
      expect(second?.method).toBe(first?.method);
      expect(second?.headers["x-other"]).toBe(first?.headers["x-other"]);
    }
    expect(shop.received.at(-1)?.body.toString()).toBe("second");
  });

  test("even if the caller changes its bytes meanwhile", async () => {
    const bytes = Uint8Array.from([1, 2, 3]);
    const shop = await openShop();
    const call = openWallet({ signingMs: 50 }).pay(shop.url, { method: "POST", body: bytes });
    while (shop.received.length === 0) await new Promise((done) => setTimeout(done, 1));
    bytes.fill(9);
    await call;
    expect(shop.received.map(({ body }) => [...body])).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ]);
  });

  test("or is refused before anything is signed: an async iterable, as Node's streams are", async () => {
    const shop = await openShop();
    const wallet = openWallet();
    const body = Readable.from([Buffer.from("part 1, "), Buffer.from("part 2")]);
    const init = { method: "POST", body, duplex: "half" } as unknown as RequestInit;
    const result = await wallet.pay(shop.url, init).catch((error: unknown) => error);
    if (result instanceof Response) {
      expect(shop.received.map((request) => request.body.toString())).toEqual([
        "part 1, part 2",
        "part 1, part 2",
      ]);
    } else {
      expect(result).toMatchObject({ code: "body_not_replayable" });
      expect(wallet.signatures).toBe(0);
    }
  });
});

describe("a body that cannot be kept", () => {
  const chunk = new Uint8Array(256 * 1024);
  const big = () => streamOf(chunk, chunk, chunk, chunk, Uint8Array.of(1));

  test.each<[string, (url: string) => [string | Request, RequestInit]]>([
    [
      "a stream of over 1 MiB",
      (url) => [url, { method: "POST", body: big(), duplex: "half" } as RequestInit],
    ],
    [
      "a Request with one",
      (url) => [
        new Request(url, { method: "POST", body: big(), duplex: "half" } as RequestInit),
        {},
      ],
    ],
  ])("%s is body_not_replayable before anything is sent", async (_, call) => {
    const shop = await openShop();
    const wallet = openWallet();
    await expect(wallet.pay(...call(shop.url))).rejects.toMatchObject({
      name: "X402Error",
      code: "body_not_replayable",
    });
    expect(shop.received).toEqual([]);
    expect(wallet.signatures).toBe(0);
  });

  test("a stream of exactly 1 MiB is sent twice", async () => {
    const [first, second] = await send({
      body: streamOf(chunk, chunk, chunk, chunk),
      duplex: "half",
    } as RequestInit);
    expect([first.body.length, second.body.length]).toEqual([1024 * 1024, 1024 * 1024]);
  });

  test("a stream that fails is its own error, before anything is sent", async () => {
    const shop = await openShop();
    const body = new ReadableStream({
      pull: (controller) => controller.error(new Error("disk failed")),
    });
    const init = { method: "POST", body, duplex: "half" } as RequestInit;
    await expect(openWallet().pay(shop.url, init)).rejects.toThrow("disk failed");
    expect(shop.received).toEqual([]);
  });
});

test("a caller that gives up is obeyed, before and after the payment", async () => {
  const shop = await openShop();
  const wallet = openWallet();
  await expect(wallet.pay(shop.url, { signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
  await expect(wallet.pay(new Request(shop.url, { signal: AbortSignal.abort() }))).rejects.toThrow(
    /abort/i,
  );
  expect(wallet.signatures).toBe(0);
});
