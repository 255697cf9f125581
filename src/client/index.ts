/** `farthing/client`: a `fetch` that pays. */
export { wrapFetchWithPayment, type WrapFetchOptions } from "./wrap-fetch.ts";
export { getPaymentReceipt } from "./receipt.ts";
export { X402Error } from "../core/errors.ts";
