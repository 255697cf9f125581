/**
 * What publishers rely on in the reference's middleware, asked of it and of ours with the same requests. Each row is a
 * row of docs/reference-behaviour.md; `official` and `ours` are what a probe finds.
 */
import type { Site } from "./behaviour-sites.ts";

export interface Row {
  readonly name: string;
  readonly probe: (site: Site) => Promise<unknown>;
  readonly official: unknown;
  /** Absent: the same. */
  readonly ours?: unknown;
}

const BROWSER = { Accept: "text/html,*/*", "User-Agent": "Mozilla/5.0" };
const status = async (response: Promise<Response> | Response) => (await response).status;

export const ROWS: readonly Row[] = [
  {
    name: "Unpaid request",
    probe: async (site) => {
      const response = await site.get("/report");
      return [response.status, site.demandOf(response)?.x402Version];
    },
    official: [402, 2],
  },
  {
    name: "Offer in `PAYMENT-REQUIRED`",
    probe: async (site) => site.demandOf(await site.get("/report"))?.accepts,
    official: [
      {
        scheme: "exact",
        network: "eip155:84532",
        amount: "10000",
        asset: "0x036CbD53842c5426634e7929541eC2318f3dCF7e",
        payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C",
        maxTimeoutSeconds: 300,
        extra: { name: "USDC", version: "2" },
      },
    ],
  },
  {
    name: "`resource` in `PAYMENT-REQUIRED`",
    probe: async (site) => site.demandOf(await site.get("/report?day=1"))?.resource,
    official: {
      url: "http://localhost/report?day=1",
      description: "A report",
      mimeType: "text/plain",
    },
  },
  {
    name: "Body of a 402",
    probe: async (site) => Object.keys((await (await site.get("/report")).json()) as object),
    official: [],
    ours: ["x402Version", "error", "accepts"],
  },
  {
    name: "Content type and caching of a 402",
    probe: async (site) => {
      const { headers } = await site.get("/report");
      return [headers.get("Content-Type"), headers.get("Cache-Control")];
    },
    official: ["application/json", "no-store"],
  },
  {
    name: "402 to a browser",
    probe: async (site) =>
      (await site.get("/report", BROWSER)).headers.get("Content-Type")?.split(";")[0],
    official: "text/html",
    ours: "application/json",
  },
  {
    name: "`unpaidResponseBody`",
    probe: async (site) => {
      const response = await site.get("/preview");
      return [response.status, response.headers.get("Content-Type"), await response.text()];
    },
    official: [402, "application/json", '"a preview"'],
    ours: [402, "text/plain", "a preview"],
  },
  {
    name: "Price from a function",
    probe: async (site) => site.demandOf(await site.get("/dynamic?cents=3"))?.accepts[0]?.amount,
    official: "30000",
  },
  {
    name: "Payee from a function",
    probe: async (site) => site.demandOf(await site.get("/dynamic?cents=3"))?.accepts[0]?.payTo,
    official: "0x857b06519E91e3A54538791bDbb0E22373e36b66",
  },
  {
    name: "Paid request",
    probe: async (site) => {
      const response = await site.pay("/report");
      const receipt = site.receiptOf(response);
      return [response.status, await response.text(), receipt?.success, site.settles()];
    },
    official: [200, "the report", true, 1],
  },
  {
    name: "Caching of a paid response",
    probe: async (site) => (await site.pay("/report")).headers.get("Cache-Control"),
    official: "private",
    ours: "private, no-store",
  },
  {
    name: "`Cache-Control` of the handler",
    probe: async (site) => (await site.pay("/cached")).headers.get("Cache-Control"),
    official: "max-age=60, private",
  },
  {
    name: "Payment header that is not base64 JSON",
    probe: (site) => status(site.get("/report", { "PAYMENT-SIGNATURE": "garbage!" })),
    official: 402,
    ours: 400,
  },
  {
    name: "Payment of x402 version 1",
    probe: async (site) => status(site.payV1("/report")),
    official: 402,
    ours: 200,
  },
  {
    name: "Payment that accepts no offer",
    probe: async (site) => status(site.pay("/report", { amount: "1" })),
    official: 402,
  },
  {
    name: "Payment that verification refuses",
    probe: async (site) => {
      site.verifyAnswers({ isValid: false, invalidReason: "invalid_exact_evm_signature" });
      const response = await site.pay("/report");
      return [response.status, site.demandOf(response)?.error, site.runs()];
    },
    official: [402, "invalid_exact_evm_signature", 0],
  },
  {
    name: "`permit2_allowance_required`",
    probe: async (site) => {
      site.verifyAnswers({ isValid: false, invalidReason: "permit2_allowance_required" });
      return status(site.pay("/report"));
    },
    official: 412,
  },
  {
    name: "Facilitator unreachable at verification",
    probe: async (site) => {
      site.verifyAnswers(new Error("connect ECONNREFUSED"));
      const response = await site.pay("/report");
      return [response.status, response.headers.get("Retry-After")];
    },
    official: [402, null],
    ours: [503, "1"],
  },
  {
    name: "Settlement that failed",
    probe: async (site) => {
      site.settleAnswers({
        success: false,
        transaction: "",
        network: "eip155:84532",
        errorReason: "invalid_exact_evm_insufficient_balance",
      });
      const response = await site.pay("/report");
      const receipt = site.receiptOf(response);
      return [response.status, receipt?.success, site.demandOf(response) !== undefined];
    },
    official: [402, false, false],
    ours: [402, false, true],
  },
  {
    name: "Settlement of unknown outcome",
    probe: async (site) => {
      site.settleAnswers(new Error("socket hang up"));
      const response = await site.pay("/report");
      return [response.status, response.headers.get("Retry-After")];
    },
    official: [402, null],
    ours: [503, "1"],
  },
  {
    name: "`settlement_pending`",
    probe: async (site) => {
      site.settleAnswers({
        success: false,
        transaction: `0x${"7a".repeat(32)}`,
        network: "eip155:84532",
        errorReason: "settlement_pending",
      });
      return status(site.pay("/report"));
    },
    official: 402,
    ours: 503,
  },
  {
    name: "Handler that answers 404",
    probe: async (site) => {
      const response = await site.pay("/missing");
      return [response.status, site.settles()];
    },
    official: [404, 0],
  },
  {
    name: "Handler that throws",
    probe: async (site) => {
      const response = await site.pay("/throws");
      return [response.status, site.settles()];
    },
    official: [500, 0],
  },
  {
    name: "Handler that redirects",
    probe: async (site) => {
      const response = await site.pay("/moved");
      return [response.status, site.settles()];
    },
    official: [302, 1],
    ours: [302, 0],
  },
  {
    name: "HEAD on a route priced for GET",
    probe: async (site) => status(site.ask("HEAD", "/report")),
    official: 200,
    ours: 402,
  },
  {
    name: "Encoded spelling of the path",
    probe: async (site) => status(site.get("/%72eport")),
    official: 402,
  },
  {
    name: "The same payment again",
    probe: async (site) => {
      const payment = site.payment("/report");
      await site.present("/report", payment);
      const again = await site.present("/report", payment);
      return [again.status, site.runs(), site.settles()];
    },
    official: [200, 2, 2],
    ours: [200, 1, 1],
  },
  {
    name: "The same payment ten times at once",
    probe: async (site) => {
      const payment = site.payment("/report");
      await Promise.all(Array.from({ length: 10 }, () => site.present("/report", payment)));
      return site.runs();
    },
    official: 10,
    ours: 1,
  },
  {
    name: '`extra.paymentFlow: "upfront"`',
    probe: async (site) => {
      const response = await site.pay("/upfront");
      return [response.status, site.order()];
    },
    official: [200, ["settle", "handler"]],
    ours: [200, ["verify", "settle", "handler"]],
  },
  {
    name: "POST",
    probe: async (site) => {
      await site.pay("/order", {}, "POST");
      return site.order().filter((step) => step !== "verify");
    },
    official: ["handler", "settle"],
    ours: ["settle", "handler"],
  },
  {
    name: "`onProtectedRequest` that grants access",
    probe: (site) => status(site.get("/report", { "X-Hook": "grant" })),
    official: 200,
  },
  {
    name: "`onProtectedRequest` that aborts",
    probe: (site) => status(site.get("/report", { "X-Hook": "abort" })),
    official: 403,
  },
  {
    name: "`onProtectedRequest` that throws",
    probe: (site) => status(site.get("/report", { "X-Hook": "throw" })),
    official: 500,
    ours: 503,
  },
  {
    name: "Facilitator unreachable at start",
    probe: async (site) => status((await site.withoutFacilitator()).get("/report")),
    official: 500,
    ours: 402,
  },
];
