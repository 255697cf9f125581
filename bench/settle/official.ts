// Imported by path: the packages are not this folder's, but those of the interop tests.
import { x402Facilitator } from "../../test/interop/node_modules/@x402/core/dist/esm/facilitator/index.mjs";
import type {
  PaymentPayload,
  PaymentRequirements,
} from "../../test/interop/node_modules/@x402/core/dist/esm/types/index.mjs";
import { toFacilitatorEvmSigner } from "../../test/interop/node_modules/@x402/evm/dist/esm/index.mjs";
import { registerExactEvmScheme } from "../../test/interop/node_modules/@x402/evm/dist/esm/exact/facilitator/index.mjs";
import {
  createWalletClient,
  http,
  nonceManager,
  publicActions,
  type Abi,
  type HttpTransport,
  type VerifyTypedDataParameters,
} from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { baseSepolia } from "viem/chains";
import { namedAccount } from "../../src/testing/index.ts";
import { NETWORK } from "./payments.ts";
import type { Prepare, Subject } from "./protocol.ts";

type Call = {
  address: `0x${string}`;
  abi: readonly unknown[];
  functionName: string;
  args?: readonly unknown[];
};
type Body = { paymentPayload: PaymentPayload; paymentRequirements: PaymentRequirements };

/** The official facilitator as `test/interop` has it, with viem's nonce manager; without it, concurrency breaks it. */
export function official({ rpcUrl }: Prepare): Subject {
  const calls: Record<string, number> = {};
  const account = privateKeyToAccount(namedAccount("facilitator").privateKey, { nonceManager });
  const client = createWalletClient({
    account,
    chain: baseSepolia,
    transport: counted(http(rpcUrl), calls),
    pollingInterval: 50,
  }).extend(publicActions);
  const signer = toFacilitatorEvmSigner({
    address: account.address,
    getCode: client.getCode,
    readContract: (call: Call) => client.readContract({ ...call, abi: call.abi as Abi }),
    sendTransaction: (call) => client.sendTransaction(call),
    verifyTypedData: (call) => client.verifyTypedData(call as VerifyTypedDataParameters),
    waitForTransactionReceipt: (call) => client.waitForTransactionReceipt(call),
    writeContract: ({ abi, ...call }) => client.writeContract({ ...call, abi: abi as Abi }),
  });
  const facilitator = registerExactEvmScheme(new x402Facilitator(), { signer, networks: NETWORK });
  return {
    ready: () => Promise.resolve(),
    async settle(text) {
      const { paymentPayload, paymentRequirements } = JSON.parse(text) as Body;
      return await facilitator.settle(paymentPayload, paymentRequirements);
    },
    rpc: () => ({
      calls: { ...calls },
      httpRequests: Object.values(calls).reduce((a, b) => a + b, 0),
    }),
    events: () => ({}),
    stages: () => ({}),
    close: () => Promise.resolve(),
  };
}

function counted(transport: HttpTransport, calls: Record<string, number>): HttpTransport {
  return (options) => {
    const made = transport(options);
    return {
      ...made,
      request(request) {
        calls[request.method] = (calls[request.method] ?? 0) + 1;
        return made.request(request);
      },
    };
  };
}
