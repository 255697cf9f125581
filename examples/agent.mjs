// An agent that pays for what it fetches, up to five cents at a time.
//   EVM_PRIVATE_KEY=0x… node examples/agent.mjs http://127.0.0.1:3000/report
import { getPaymentReceipt, wrapFetchWithPayment } from "farthing/client";
import { exactEvm } from "farthing/evm";
import { privateKeyToAccount } from "viem/accounts";

const account = privateKeyToAccount(process.env.EVM_PRIVATE_KEY);
const payingFetch = wrapFetchWithPayment(fetch, {
  schemes: [exactEvm({ account })],
  maxAmount: "$0.05",
});

const response = await payingFetch(process.argv[2] ?? "http://127.0.0.1:3000/report");
console.log(response.status, await response.text());
console.log("transaction:", getPaymentReceipt(response)?.transaction);
