/** Our side of the interop tests: sites and a client as a user would write them. */
import { Hono } from "hono";
import { paymentMiddleware, paywall } from "../../src/adapters/hono.ts";
import { getPaymentReceipt, wrapFetchWithPayment } from "../../src/client/index.ts";
import { exactEvm } from "../../src/evm/index.ts";
import type { TestAccount } from "../../src/testing/index.ts";
import { NETWORK, type Receipt } from "./route.ts";

/** A site of ours that sells `GET /report` for $0.01 with `paid()` on the route. */
export function ourSite(facilitator: string, payTo: string): Hono {
  const paid = paywall({ payTo, network: NETWORK, facilitator, schemes: [exactEvm()] });
  const app = new Hono();
  app.get("/report", paid("$0.01"), (c) => c.json({ report: "ours" }));
  return app;
}

/** The same with the drop-in `paymentMiddleware` and the routes of the official one. */
export function ourDropInSite(facilitator: string, payTo: string): Hono {
  const accepts = { scheme: "exact", price: "$0.01", network: NETWORK, payTo } as const;
  const app = new Hono();
  app.use(
    paymentMiddleware(
      { "GET /report": { accepts, description: "A report" } },
      { facilitator, schemes: [exactEvm()] },
    ),
  );
  app.get("/report", (c) => c.json({ report: "ours" }));
  return app;
}

export function ourFetch(payer: TestAccount) {
  return wrapFetchWithPayment(fetch, {
    schemes: [exactEvm({ account: payer.account })],
    maxAmount: "$1",
  });
}

export function ourReceipt(response: Response): Receipt {
  const receipt = getPaymentReceipt(response);
  if (receipt === undefined) throw new Error("the response has no receipt");
  return receipt;
}
