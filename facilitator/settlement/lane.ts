import { X402Error } from "../../src/core/errors.ts";
import type { SettlementCall } from "../../src/core/scheme.ts";
import type { EvmChain, Fees, SignedTransaction } from "../chain.ts";

/** The ordered stream of transactions of one key on one chain. */
export interface Lane {
  /**
   * Signs a call with the next nonce, hands the transaction to `record`, and only then broadcasts it.
   *
   * @param record stores the transaction before the world can see it; `false`: the caller has lost the payment, nothing
   * is sent and the nonce stays free. It is called again when the transaction has to be signed anew.
   * @returns the transaction that was broadcast, or may have been; nothing when `record` said no.
   * @throws X402Error `rpc_unavailable` when the node refused it: it was not broadcast.
   */
  send(
    call: SettlementCall,
    record: (transaction: SignedTransaction) => Promise<boolean>,
  ): Promise<SignedTransaction | undefined>;
}

const MAX_ATTEMPTS = 4;

/** A lane over one chain. Transactions are signed, recorded and broadcast one after another, in order of nonce. */
export function createLane(chain: EvmChain): Lane {
  let nextNonce: number | undefined;
  let tail: Promise<unknown> = Promise.resolve();

  const send: Lane["send"] = async (call, record) => {
    let bump = 0n;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      nextNonce ??= await chain.nonce("pending");
      const transaction = await chain.sign(call, nextNonce, raise(await chain.fees(), bump));
      if (!(await record(transaction))) return undefined;
      switch (await chain.broadcast(transaction.raw)) {
        case "accepted":
        case "unknown":
          nextNonce = transaction.nonce + 1;
          return transaction;
        case "underpriced":
          bump += 25n;
          break;
        case "nonce_too_low":
          nextNonce = undefined;
          break;
        default:
          nextNonce = undefined;
          throw new X402Error(
            "rpc_unavailable",
            `the node of ${chain.network} refused the transaction`,
            {
              retry: "unsafe",
            },
          );
      }
    }
    nextNonce = undefined;
    throw new X402Error("rpc_unavailable", `no transaction was accepted on ${chain.network}`, {
      retry: "unsafe",
    });
  };

  return {
    send(call, record) {
      const turn = tail.then(() => send(call, record));
      tail = turn.catch(() => undefined);
      return turn;
    },
  };
}

function raise(fees: Fees, percent: bigint): Fees {
  const raised = (fee: bigint) => fee + (fee * percent) / 100n;
  return {
    maxFeePerGas: raised(fees.maxFeePerGas),
    maxPriorityFeePerGas: raised(fees.maxPriorityFeePerGas),
  };
}
