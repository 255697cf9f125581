/** The official facilitator, as an HTTP service on the local chain. */
// oxlint-disable typescript/no-unsafe-type-assertion -- the peer types ABIs and typed data as unknown[] and records
import { x402Facilitator } from "@x402/core/facilitator";
import type { PaymentPayload, PaymentRequirements } from "@x402/core/types";
import { toFacilitatorEvmSigner } from "@x402/evm";
import { registerExactEvmScheme } from "@x402/evm/exact/facilitator";
import { Hono } from "hono";
import {
  createWalletClient,
  http,
  publicActions,
  type Abi,
  type VerifyTypedDataParameters,
} from "viem";
import { baseSepolia } from "viem/chains";
import type { LocalWorld } from "../../src/testing/index.ts";

type Call = {
  address: `0x${string}`;
  abi: readonly unknown[];
  functionName: string;
  args?: readonly unknown[];
};
type Body = { paymentPayload: PaymentPayload; paymentRequirements: PaymentRequirements };

/** What the official facilitator's schemes sign, send and read with. */
export function officialSigner(chain: LocalWorld) {
  const { account } = chain.accounts.facilitator;
  const client = createWalletClient({
    account,
    chain: baseSepolia,
    transport: http(chain.rpcUrl),
    pollingInterval: 50,
  }).extend(publicActions);
  return toFacilitatorEvmSigner({
    address: account.address,
    getCode: client.getCode,
    readContract: (call: Call) => client.readContract({ ...call, abi: call.abi as Abi }),
    sendTransaction: (call) => client.sendTransaction(call),
    verifyTypedData: (call) => client.verifyTypedData(call as VerifyTypedDataParameters),
    waitForTransactionReceipt: (call) => client.waitForTransactionReceipt(call),
    writeContract: ({ abi, ...call }) => client.writeContract({ ...call, abi: abi as Abi }),
  });
}

export function officialFacilitator(chain: LocalWorld): Hono {
  const facilitator = registerExactEvmScheme(new x402Facilitator(), {
    signer: officialSigner(chain),
    networks: chain.network,
  });

  return new Hono()
    .get("/supported", (c) => c.json(facilitator.getSupported()))
    .post("/verify", async (c) => {
      const { paymentPayload, paymentRequirements } = await c.req.json<Body>();
      return c.json(await facilitator.verify(paymentPayload, paymentRequirements));
    })
    .post("/settle", async (c) => {
      const { paymentPayload, paymentRequirements } = await c.req.json<Body>();
      return c.json(await facilitator.settle(paymentPayload, paymentRequirements));
    });
}
