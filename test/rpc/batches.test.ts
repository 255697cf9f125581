import { describe, expect, it } from "vitest";
import type { Answer } from "../../facilitator/rpc/transport.ts";
import { echo, reply, type Call } from "./raw-server.ts";
import { setUp } from "./transport-setup.ts";

describe("requests", () => {
  it("sends one request alone, and those of one turn together", async () => {
    const { server, ask } = await setUp((body, response) => reply(response, echo(body)));
    expect(await ask(1)).toEqual({ result: 1 });
    const many = await Promise.all([...Array(250).keys()].map(ask));
    expect(many).toEqual([...Array(250).keys()].map((result) => ({ result })));
    const [first, ...rest] = server.received;
    expect(first).toEqual({ jsonrpc: "2.0", id: 1, method: "m", params: [1] });
    expect(rest.map((body) => (body as Call[]).length)).toEqual([100, 100, 50]);
    expect(server.headers[0]).toMatchObject({ "content-type": "application/json" });
  });

  it("gathers what promises ask for in the same turn, and what is alone stays alone", async () => {
    const { server, transport, ask } = await setUp((body, response) => reply(response, echo(body)));
    const later = Promise.resolve().then(() => Promise.all([ask(1), ask(2)]));
    const sends = [1, 2].map((value) => transport.request("send", [value], "send"));
    const alone = transport.request("big", [5], "alone");
    expect(await ask(0)).toEqual({ result: 0 });
    expect(await Promise.all([later, ...sends, alone])).toEqual([
      [{ result: 1 }, { result: 2 }],
      { result: 1 },
      { result: 2 },
      { result: 5 },
    ]);
    const shapes = server.received.map((body) =>
      [body]
        .flat()
        .map(({ method, params }) => `${method}${String(params[0])}`)
        .join(),
    );
    expect(shapes.toSorted()).toEqual(["big5", "m0,m1,m2", "send1,send2"]);
  });

  it("matches answers by id, in any order, and null is a result", async () => {
    const { ask } = await setUp((body, response) =>
      reply(response, (echo(body) as unknown[]).toReversed()),
    );
    expect(await Promise.all([ask("a"), ask(null), ask("c")])).toEqual([
      { result: "a" },
      { result: null },
      { result: "c" },
    ]);
  });

  it("does not know what an answer means that is missing, comes twice, or is nobody's", async () => {
    const { ask, exchanges } = await setUp((body, response) => {
      const answers = echo(body) as { id: unknown }[];
      answers[0]!.id = String(answers[0]!.id);
      reply(response, [
        ...answers,
        { ...answers[1], result: "other" },
        7,
        null,
        { id: 99, result: 1 },
      ]);
    });
    const [wrong, twice, good] = await Promise.all([ask(1), ask(2), ask(3)]);
    expect(wrong).toMatchObject({ failure: { kind: "malformed", sent: true } });
    expect(twice).toMatchObject({ failure: { kind: "malformed", sent: true } });
    expect(good).toEqual({ result: 3 });
    expect(exchanges).toMatchObject([{ kind: "malformed" }]);
  });
});

describe("batches", () => {
  it.each<[string, (calls: Call[]) => [unknown, number]]>([
    ["one error", () => [{ id: null, error: { code: -32600, message: "no batches" } }, 200]],
    [
      "geth's error",
      ([first]) => [[{ id: first!.id, error: { code: -32600, message: "batch too large" } }], 200],
    ],
    ["400", () => ["Bad Request", 400]],
    ["413", () => ["too large", 413]],
    ["405 and an error", () => [{ id: null, error: { code: 1, message: "single" } }, 405]],
  ])(
    "asks in smaller batches, then singly, where batches are refused with %s",
    async (_name, refuse) => {
      let most = 10;
      const { server, ask, exchanges } = await setUp((body, response) => {
        if (Array.isArray(body) && body.length > most) reply(response, ...refuse(body));
        else reply(response, echo(body));
      });
      const all = (count: number): Promise<Answer[]> =>
        Promise.all([...Array(count).keys()].map(ask));
      const sizes = (): number[] => server.received.splice(0).map((body) => [body].flat().length);

      expect(await all(25)).toEqual([...Array(25).keys()].map((result) => ({ result })));
      expect(sizes().toSorted((a, b) => b - a)).toEqual([25, 10, 10, 5]);
      await all(12);
      expect(sizes()).toEqual([10, 2]);
      most = 1;
      expect(await all(3)).toEqual([...Array(3).keys()].map((result) => ({ result })));
      expect(sizes()).toEqual([3, 1, 1, 1]);
      await all(2);
      expect(sizes()).toEqual([1, 1]);
      expect(exchanges.every((failure) => failure === undefined)).toBe(true);
    },
  );

  it("takes a limit on a batch for a limit, and no refusal of batches", async () => {
    const { server, ask } = await setUp((_body, response) =>
      reply(response, { id: null, error: { code: -32005, message: "rate limit exceeded" } }),
    );
    expect(await Promise.all([ask(1), ask(2)])).toMatchObject([
      { failure: { kind: "rate_limited" } },
      { failure: { kind: "rate_limited" } },
    ]);
    expect(server.received).toHaveLength(1);
  });
});
