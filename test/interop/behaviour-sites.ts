/** The same shop behind the reference's Hono middleware and behind ours, over one facilitator that does as it is told. */
import { randomBytes } from "node:crypto";
import { x402HTTPResourceServer } from "@x402/core/http";
import { ExactEvmScheme } from "@x402/evm/exact/server";
import { paymentMiddlewareFromHTTPServer, x402ResourceServer } from "@x402/hono";
import { Hono, type Context } from "hono";
import { paymentMiddleware } from "../../src/adapters/hono.ts";
import { decodeHeader, encodeHeader } from "../../src/core/header.ts";
import { PaymentRequired, SettleResponse, type VerifyResponse } from "../../src/core/messages.ts";
import { exactEvm } from "../../src/evm/index.ts";

const NETWORK = "eip155:84532";
const PAY_TO = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C";
const PAYER = "0x857b06519E91e3A54538791bDbb0E22373e36b66";

export interface Site {
  ask(method: string, path: string, headers?: Record<string, string>): Promise<Response>;
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  /** A payment header for a path. */
  payment(path: string): string;
  present(path: string, header: string, method?: string): Promise<Response>;
  pay(path: string, changes?: { amount?: string }, method?: string): Promise<Response>;
  payV1(path: string): Promise<Response>;
  demandOf(response: Response): PaymentRequired | undefined;
  receiptOf(response: Response): SettleResponse | undefined;
  /** What the facilitator says from now on, or throws. */
  verifyAnswers(answer: VerifyResponse | Error): void;
  settleAnswers(answer: SettleResponse | Error): void;
  /** What was done, in order: verify, settle, handler. */
  order(): string[];
  runs(): number;
  settles(): number;
  /** The same site with a facilitator that cannot be reached. */
  withoutFacilitator(): Promise<Site>;
}

const accepts = { scheme: "exact", price: "$0.01", network: NETWORK, payTo: PAY_TO } as const;

/** Routes in the form that both understand; `query` reads a query parameter of what each gives to a function. */
const routesFor = (query: (context: never, name: string) => string) => ({
  "GET /report": { accepts, description: "A report", mimeType: "text/plain" },
  "GET /cached": { accepts },
  "GET /missing": { accepts },
  "GET /throws": { accepts },
  "GET /moved": { accepts },
  "GET /preview": {
    accepts,
    unpaidResponseBody: () => ({ contentType: "text/plain", body: "a preview" }),
  },
  "GET /dynamic": {
    accepts: {
      ...accepts,
      price: (context: never) => `$0.0${query(context, "cents")}`,
      payTo: () => PAYER,
    },
  },
  "GET /upfront": { accepts: { ...accepts, extra: { paymentFlow: "upfront" } } },
  "POST /order": { accepts },
});

export async function openSite(kind: "official" | "ours", reachable = true): Promise<Site> {
  let verifyAnswer: VerifyResponse | Error = { isValid: true, payer: PAYER };
  let settleAnswer: SettleResponse | Error = {
    success: true,
    transaction: `0x${"7a".repeat(32)}`,
    network: NETWORK,
    payer: PAYER,
  };
  const steps: string[] = [];
  const told = async <T>(step: string, answer: T | Error): Promise<T> => {
    steps.push(step);
    // As long as a real one takes: requests that come at once overlap.
    await new Promise((resolve) => setTimeout(resolve, 5));
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const supported = () =>
    reachable
      ? Promise.resolve({
          kinds: [{ x402Version: 2, scheme: "exact", network: NETWORK }],
          extensions: [],
          signers: {},
        })
      : Promise.reject(new Error("connect ECONNREFUSED"));
  const facilitator = {
    verify: () => told("verify", verifyAnswer),
    settle: () => told("settle", settleAnswer),
    supported,
    getSupported: supported,
  };
  const hook = (word: string | null | undefined) => {
    if (word === "throw") throw new Error("the hook failed");
    if (word === "grant") return { grantAccess: true } as const;
    if (word === "abort") return { abort: true, reason: "not today" } as const;
    return undefined;
  };

  const app = new Hono();
  if (kind === "ours") {
    const routes = routesFor(((request: Request, name: string) =>
      new URL(request.url).searchParams.get(name)) as never);
    app.use(
      paymentMiddleware(routes as never, {
        facilitator,
        schemes: [exactEvm()],
        onProtectedRequest: ({ headers }) => hook(headers.get("X-Hook")),
      }),
    );
  } else {
    type Adapter = { adapter: { getQueryParam(name: string): string } };
    const query = (context: Adapter, name: string) => context.adapter.getQueryParam(name);
    const routes = routesFor(query);
    const server = new x402ResourceServer(facilitator as never).register(
      NETWORK,
      new ExactEvmScheme(),
    );
    const http = new x402HTTPResourceServer(server, routes as never).onProtectedRequest(
      async ({ adapter }) => hook(adapter.getHeader("X-Hook")),
    );
    app.use(paymentMiddlewareFromHTTPServer(http) as never);
  }
  const run = (c: Context, response: Response) => (steps.push("handler"), c && response);
  app.get("/report", (c) => run(c, c.text("the report")));
  app.get("/dynamic", (c) => run(c, c.text("dynamic")));
  app.get("/preview", (c) => run(c, c.text("all of it")));
  app.get("/upfront", (c) => run(c, c.text("upfront")));
  app.post("/order", (c) => run(c, c.text("ordered")));
  app.get("/cached", (c) => run(c, c.text("cached", 200, { "Cache-Control": "max-age=60" })));
  app.get("/missing", (c) => run(c, c.notFound() as Response));
  app.get("/moved", (c) => run(c, c.redirect("/elsewhere")));
  app.get("/throws", () => {
    throw new Error("the handler failed");
  });
  app.onError((_, c) => c.text("failed", 500));

  const ask = async (method: string, path: string, headers: Record<string, string> = {}) =>
    app.request(path, { method, headers });
  const authorization = (value: string) => ({
    from: PAYER,
    to: PAY_TO,
    value,
    validAfter: "0",
    validBefore: String(Math.floor(Date.now() / 1000) + 300),
    nonce: `0x${randomBytes(32).toString("hex")}`,
  });
  const signature = `0x${"11".repeat(64)}1b`;

  function payment(path: string, changes: { amount?: string } = {}): string {
    const { asset, amount, extra } = exactEvm().price("$0.01", NETWORK);
    const upfront = path === "/upfront" || (path === "/order" && kind === "ours");
    const accepted = {
      scheme: "exact",
      network: NETWORK,
      amount: changes.amount ?? amount,
      asset,
      payTo: PAY_TO,
      maxTimeoutSeconds: 300,
      extra: { ...extra, ...(upfront && { paymentFlow: "upfront" }) },
    };
    const payload = { signature, authorization: authorization(accepted.amount) };
    return encodeHeader({ x402Version: 2, accepted, payload });
  }
  const present = (path: string, header: string, method = "GET") =>
    ask(method, path, { "PAYMENT-SIGNATURE": header });
  const decode = <T>(response: Response, name: string, schema: (value: unknown) => T) => {
    const text = response.headers.get(name);
    return text === null ? undefined : decodeHeader(schema, text, "malformed_receipt", name);
  };

  return {
    ask,
    get: (path: string, headers?: Record<string, string>) => ask("GET", path, headers),
    payment,
    present,
    pay: (path: string, changes?: { amount?: string }, method?: string) =>
      present(path, payment(path, changes), method),
    payV1: (path: string) =>
      ask("GET", path, {
        "X-PAYMENT": encodeHeader({
          x402Version: 1,
          scheme: "exact",
          network: "base-sepolia",
          payload: { signature, authorization: authorization("10000") },
        }),
      }),
    demandOf: (response: Response) => decode(response, "PAYMENT-REQUIRED", PaymentRequired),
    receiptOf: (response: Response) => decode(response, "PAYMENT-RESPONSE", SettleResponse),
    verifyAnswers: (answer: VerifyResponse | Error) => (verifyAnswer = answer),
    settleAnswers: (answer: SettleResponse | Error) => (settleAnswer = answer),
    order: () => steps,
    runs: () => steps.filter((step) => step === "handler").length,
    settles: () => steps.filter((step) => step === "settle").length,
    withoutFacilitator: () => openSite(kind, false),
  };
}
