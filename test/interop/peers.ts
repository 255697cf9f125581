/** The official packages, set up as their documentation says. */
import { HTTPFacilitatorClient } from "@x402/core/server";
import { decodePaymentRequiredHeader, decodePaymentResponseHeader } from "@x402/core/http";
import { ExactEvmScheme as OfficialExactEvmClient } from "@x402/evm/exact/client";
import { ExactEvmScheme as OfficialExactEvmServer } from "@x402/evm/exact/server";
import { wrapFetchWithPayment, x402Client } from "@x402/fetch";
import { paymentMiddleware, x402ResourceServer } from "@x402/hono";
import { Hono } from "hono";
import { decodeXPaymentResponse, wrapFetchWithPayment as wrapFetchWithPaymentV1 } from "x402-fetch";
import { paymentMiddleware as paymentMiddlewareV1 } from "x402-hono";
import { NETWORK, NETWORK_V1, type Receipt } from "./route.ts";

type Address = `0x${string}`;
type OfficialSigner = ConstructorParameters<typeof OfficialExactEvmClient>[0];
type OfficialSignerV1 = Parameters<typeof wrapFetchWithPaymentV1>[1];

/** `@x402/fetch` with `@x402/evm`. */
export function officialFetch(signer: OfficialSigner) {
  return wrapFetchWithPayment(
    fetch,
    new x402Client().register(NETWORK, new OfficialExactEvmClient(signer)),
  );
}

/** `x402-fetch` 1.x. */
export function officialFetchV1(signer: OfficialSignerV1) {
  return wrapFetchWithPaymentV1(fetch, signer);
}

/** An `@x402/hono` site that sells `GET /report` for $0.01, checked and settled by a facilitator; `extra` goes into the offer. */
export function officialSite(
  facilitatorUrl: string,
  payTo: Address,
  extra?: Record<string, unknown>,
): Hono {
  const server = new x402ResourceServer(
    new HTTPFacilitatorClient({ url: facilitatorUrl }),
  ).register(NETWORK, new OfficialExactEvmServer());
  const accepts = {
    scheme: "exact",
    price: "$0.01",
    network: NETWORK,
    payTo,
    ...(extra && { extra }),
  } as const;
  const app = new Hono();
  app.use(paymentMiddleware({ "GET /report": { accepts, description: "A report" } }, server));
  app.get("/report", (c) => c.json({ report: "official" }));
  return app;
}

/** The same with `x402-hono` 1.x. */
export function officialSiteV1(facilitatorUrl: `http://${string}`, payTo: Address): Hono {
  const app = new Hono();
  const routes = { "GET /report": { price: "$0.01", network: NETWORK_V1 } } as const;
  app.use(paymentMiddlewareV1(payTo, routes, { url: facilitatorUrl }));
  app.get("/report", (c) => c.json({ report: "official v1" }));
  return app;
}

/** The receipt of a response, decoded by `@x402/core`. */
export function officialReceipt(response: Response): Receipt {
  return decodePaymentResponseHeader(response.headers.get("PAYMENT-RESPONSE") ?? "");
}

/** The receipt of a response, decoded by `x402` 1.x. */
export function officialReceiptV1(response: Response): Receipt {
  return decodeXPaymentResponse(response.headers.get("X-PAYMENT-RESPONSE") ?? "");
}

/** What a 402 asks for, decoded by `@x402/core`. */
export function officialPaymentRequired(response: Response) {
  return decodePaymentRequiredHeader(response.headers.get("PAYMENT-REQUIRED") ?? "");
}
