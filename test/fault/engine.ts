/** An engine in this process, for tests that break the chain under it. */
import { encodeFunctionData, parseGwei, parseSignature, type Address } from "viem";
import { eip3009Abi } from "../../contracts-abi/eip3009.ts";
import {
  createFacilitator,
  evmChain,
  type CreateFacilitatorOptions,
  type EvmChainOptions,
  type FacilitatorEngine,
  type SettlementEvent,
} from "../../facilitator/index.ts";
import type { SettleResponse } from "../../src/core/messages.ts";
import type { Hex } from "../../src/core/scheme.ts";
import { exactEvmFacilitator } from "../../src/evm/facilitator.ts";
import { memoryLedger } from "../../src/ledger/index.ts";
import type { LocalWorld, TestAccount } from "../../src/testing/index.ts";
import { newPayment, newSigners, type Payment } from "./world.ts";

export interface Engine extends FacilitatorEngine {
  readonly events: readonly SettlementEvent[];
  readonly signers: readonly TestAccount[];
  /** Waits until an event of this type has come, the so-many-eth, and gives it. */
  event<T extends SettlementEvent["type"]>(
    type: T,
    nth?: number,
  ): Promise<SettlementEvent & { type: T }>;
  /** Settles a payment as its claimant. */
  pay(payment: Payment): Promise<SettleResponse>;
}

export interface EngineOptions
  extends
    Omit<Partial<EvmChainOptions>, "signers">,
    Pick<Partial<CreateFacilitatorOptions>, "ledger" | "settleTimeoutMs" | "step" | "holdMs"> {
  readonly signers?: readonly TestAccount[];
}

/** Resends after 0.3 s and replaces after 1 s, unless told otherwise; the ledger is in memory. */
export async function startEngine(world: LocalWorld, options: EngineOptions = {}): Promise<Engine> {
  const { ledger = memoryLedger(), settleTimeoutMs = 20_000, step, holdMs, ...chain } = options;
  const signers = options.signers ?? (await newSigners(world, 1));
  const events: SettlementEvent[] = [];
  const facilitator = createFacilitator({
    schemes: [exactEvmFacilitator()],
    ledger,
    chains: [
      evmChain({
        network: world.network,
        rpcUrls: [world.rpcUrl],
        resendAfterMs: 300,
        replaceAfterMs: 1000,
        ...chain,
        signers: signers.map(({ account }) => account),
      }),
    ],
    settleTimeoutMs,
    observe: (event) => events.push(event),
    ...(step && { step }),
    ...(holdMs !== undefined && { holdMs }),
  });
  return {
    ...facilitator,
    events,
    signers,
    async event(type, nth = 1) {
      return await eventually(`event ${type}`, () => {
        const found = events.filter((event) => event.type === type)[nth - 1];
        return found as (SettlementEvent & { type: typeof type }) | undefined;
      });
    },
    pay: ({ request, key }) =>
      facilitator.settle(request, key === undefined ? {} : { idempotencyKey: key }),
  };
}

/** Asks until there is an answer; fails after 10 seconds. */
export async function eventually<T>(
  what: string | (() => string),
  look: () => Promise<T | false | undefined> | T | false | undefined,
  timeoutMs = 10_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) {
      const name = typeof what === "string" ? what : what();
      throw new Error(`${timeoutMs} ms have passed without ${name}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Named payments of the world's payer. */
export const newPayments = (world: LocalWorld, count: number): Promise<Payment[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => newPayment(world, `order-${index}`)));

/** Submits a payment's authorization as somebody else who has seen it, ahead of everything in the pool. */
export async function frontRun(world: LocalWorld, payment: Payment): Promise<Hex> {
  const { authorization, signature } = payment.request.paymentPayload.payload as {
    authorization: Record<"from" | "to" | "value" | "validAfter" | "validBefore" | "nonce", string>;
    signature: Hex;
  };
  const { r, s, yParity } = parseSignature(signature);
  return await world.client.sendTransaction({
    account: world.accounts.deployer.account,
    to: world.token,
    data: encodeFunctionData({
      abi: eip3009Abi,
      functionName: "transferWithAuthorization",
      args: [
        authorization.from as Address,
        authorization.to as Address,
        BigInt(authorization.value),
        BigInt(authorization.validAfter),
        BigInt(authorization.validBefore),
        authorization.nonce as Hex,
        yParity + 27,
        r,
        s,
      ],
    }),
    gas: 200_000n,
    maxFeePerGas: parseGwei("600"),
    maxPriorityFeePerGas: parseGwei("600"),
  });
}

/** Spends a signer's nonce on nothing, as another program with the same key would. */
export async function spendNonce(
  world: LocalWorld,
  signer: TestAccount,
  nonce: number,
): Promise<Hex> {
  return await world.client.sendTransaction({
    account: signer.account,
    to: signer.address,
    nonce,
    gas: 21_000n,
    maxFeePerGas: parseGwei("400"),
    maxPriorityFeePerGas: parseGwei("100"),
  });
}
