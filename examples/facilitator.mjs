// A facilitator inside a server of your own. `farthing facilitator` is the same, ready made.
//   EVM_RPC_URL=https://… EVM_PRIVATE_KEY=0x… node examples/facilitator.mjs
import { serve } from "@hono/node-server";
import { createFacilitator, createFacilitatorApp, evmChain } from "farthing/facilitator";
import { exactEvmFacilitator } from "farthing/evm/facilitator";
import { memoryLedger } from "farthing/ledger";
import { privateKeyToAccount } from "viem/accounts";

const chain = evmChain({
  network: process.env.EVM_NETWORK ?? "eip155:84532",
  rpcUrls: [process.env.EVM_RPC_URL],
  signers: [privateKeyToAccount(process.env.EVM_PRIVATE_KEY)], // pays the gas, owns nothing else
});
const facilitator = createFacilitator({
  schemes: [exactEvmFacilitator()],
  ledger: memoryLedger(), // one process; several share a redisLedger
  chains: [chain],
});
const { fetch } = createFacilitatorApp(facilitator, { check: () => facilitator.check() });
serve({ fetch, port: Number(process.env.PORT ?? 4022) }, ({ port }) => {
  console.log(`Facilitator listening on http://127.0.0.1:${port}`);
});
