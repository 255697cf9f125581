/** Requests as bytes. The facilitator believes any signature; every payment has a nonce of its own. */
import { randomBytes } from "node:crypto";
import { exactEvm } from "../../src/evm/index.ts";
import { NETWORK, PATH, PAY_TO } from "./protocol.ts";

const PAYER = "0x857b06519E91e3A54538791bDbb0E22373e36b66";
const head = `GET ${PATH} HTTP/1.1\r\nHost: shop.example\r\nAccept: application/json\r\n`;

export const unpaid = Buffer.from(`${head}\r\n`);

const { asset, amount, extra } = exactEvm().price("$0.01", NETWORK);
const accepted = {
  scheme: "exact",
  network: NETWORK,
  amount,
  asset,
  payTo: PAY_TO,
  maxTimeoutSeconds: 300,
  extra,
};

export function paid(): Buffer {
  const authorization = {
    from: PAYER,
    to: PAY_TO,
    value: amount,
    validAfter: "0",
    validBefore: String(Math.floor(Date.now() / 1000) + 300),
    nonce: `0x${randomBytes(32).toString("hex")}`,
  };
  const payment = {
    x402Version: 2,
    accepted,
    payload: { signature: `0x${"11".repeat(64)}1b`, authorization },
  };
  const text = Buffer.from(JSON.stringify(payment)).toString("base64");
  return Buffer.from(`${head}PAYMENT-SIGNATURE: ${text}\r\n\r\n`);
}
