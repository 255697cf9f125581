/** What every site of the adapters' tests sells: a handler for Node's responses and one for web ones each. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Accepts, Payment, RouteOptions } from "../../src/server/index.ts";

export interface Scenario {
  readonly method?: string;
  readonly path: string;
  readonly accepts?: Accepts;
  readonly route?: RouteOptions;
  node(req: IncomingMessage, res: ServerResponse, payment: Payment | undefined): unknown;
  web(request: Request, payment: Payment | undefined): Response | Promise<Response>;
}

/** Handlers of `/slow` wait until it is opened. */
export const latch = {
  entered: () => {},
  opened: Promise.resolve(),
  open: () => {},
  /** Closes it; tells when the next handler stands before it. */
  close(): Promise<void> {
    latch.opened = new Promise((resolve) => (latch.open = resolve));
    return new Promise((resolve) => (latch.entered = resolve));
  },
};

const wait = (): Promise<void> => {
  latch.entered();
  return latch.opened;
};

const BEFORE = { settle: "before" } as const;
const text = (body: string, init?: ResponseInit) => () => new Response(body, init);

export const LARGE = Buffer.alloc(5_000_000, "farthing ");
/** The last piece comes when the latch is opened. */
export const PIECES = ["data: one\n\n", "data: two\n\n", "data: three\n\n"];

function pieces(): ReadableStream<Uint8Array> {
  let sent = 0;
  return new ReadableStream({
    async pull(controller) {
      const piece = PIECES[sent++];
      if (sent === PIECES.length) await wait();
      if (piece === undefined) controller.close();
      else controller.enqueue(new TextEncoder().encode(piece));
    },
  });
}

async function writePieces(res: ServerResponse): Promise<void> {
  for (const [index, piece] of PIECES.entries()) {
    if (index === PIECES.length - 1) await wait();
    res.write(piece);
  }
  res.end();
}

const EVENTS = { "Content-Type": "text/event-stream" };

export const SCENARIOS: readonly Scenario[] = [
  {
    path: "/report",
    node: (_, res, payment) => {
      res.setHeader("Content-Type", "application/json");
      res.setHeader("X-Handler", "yes");
      res.end(JSON.stringify({ report: 1, payer: payment?.payer }));
    },
    web: (_, payment) =>
      Response.json({ report: 1, payer: payment?.payer }, { headers: { "X-Handler": "yes" } }),
  },
  {
    path: "/before",
    route: BEFORE,
    node: (_, res, payment) => res.end(payment?.transaction),
    web: (_, payment) => new Response(payment?.transaction),
  },
  {
    path: "/priced",
    accepts: ({ url }) => `$0.0${new URL(url).searchParams.get("pages") ?? "1"}`,
    route: { payTo: () => "0x1111111111111111111111111111111111111111" },
    node: (_, res) => res.end("priced"),
    web: text("priced"),
  },
  {
    method: "POST",
    path: "/order",
    node: (_, res) => res.writeHead(201, { Location: "/orders/1" }).end("ordered"),
    web: text("ordered", { status: 201, headers: { Location: "/orders/1" } }),
  },
  {
    path: "/slow",
    node: async (_, res) => {
      await wait();
      res.end("slow");
    },
    web: async () => {
      await wait();
      return new Response("slow");
    },
  },
  {
    path: "/pieces",
    node: (_, res) => {
      res.writeHead(200, { "Content-Type": "text/plain" });
      for (const piece of PIECES) res.write(piece);
      res.end();
    },
    web: () => new Response(PIECES.join("")),
  },
  {
    path: "/large",
    node: (_, res) => res.end(LARGE),
    web: () => new Response(LARGE),
  },
  {
    path: "/events",
    route: BEFORE,
    node: async (_, res) => {
      res.writeHead(200, EVENTS).flushHeaders();
      await writePieces(res);
    },
    web: () => new Response(pieces(), { headers: EVENTS }),
  },
  {
    path: "/events-after",
    node: async (_, res) => {
      res.writeHead(200, EVENTS);
      await writePieces(res);
    },
    web: () => new Response(pieces(), { headers: EVENTS }),
  },
  {
    path: "/moved",
    node: (_, res) => res.writeHead(302, { Location: "/report" }).end(),
    web: text("", { status: 302, headers: { Location: "/report" } }),
  },
  {
    path: "/not-modified",
    node: (_, res) => res.writeHead(304, { ETag: '"1"' }).end(),
    web: () => new Response(null, { status: 304, headers: { ETag: '"1"' } }),
  },
  {
    path: "/empty",
    node: (_, res) => res.writeHead(204).end(),
    web: () => new Response(null, { status: 204 }),
  },
  {
    path: "/missing",
    node: (_, res) => res.writeHead(404, { "Content-Type": "text/plain" }).end("not here"),
    web: text("not here", { status: 404, headers: { "Content-Type": "text/plain" } }),
  },
  {
    path: "/broken-before",
    route: BEFORE,
    node: (_, res) => res.writeHead(500).end("broken"),
    web: text("broken", { status: 500 }),
  },
  {
    path: "/throws",
    node: () => {
      throw new Error("database down");
    },
    web: () => {
      throw new Error("database down");
    },
  },
  {
    path: "/rejects-before",
    route: BEFORE,
    node: () => Promise.reject(new Error("database down")),
    web: () => Promise.reject(new Error("database down")),
  },
  {
    path: "/cookies",
    node: (_, res) => {
      res.setHeader("Set-Cookie", ["a=1", "b=2; Path=/"]);
      res.end("cookies");
    },
    web: () => {
      const headers = new Headers([
        ["Set-Cookie", "a=1"],
        ["Set-Cookie", "b=2; Path=/"],
      ]);
      return new Response("cookies", { headers });
    },
  },
];

export const scenarioAt = (path: string): Scenario => {
  const found = SCENARIOS.find((scenario) => scenario.path === path);
  if (found === undefined) throw new Error(`no scenario at ${path}`);
  return found;
};
