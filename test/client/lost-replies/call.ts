/** A call of a user's: the same request until it is answered, or a rule forbids it; at most five times. */
import { setTimeout as sleep } from "node:timers/promises";
import { PaymentRefused, PaymentRejected } from "../../../src/client/index.ts";
import type { EvmSigner } from "../../../src/evm/index.ts";

export const MAX_CALLS = 5;

/** An account that notes the nonces that it signs. */
export function notingAccount(account: EvmSigner): { signer: EvmSigner; nonces: Set<string> } {
  const nonces = new Set<string>();
  const signer: EvmSigner = {
    address: account.address,
    async signTypedData(typedData) {
      nonces.add(String(typedData.message["nonce"]));
      return await account.signTypedData(typedData);
    },
  };
  return { signer, nonces };
}

export async function callUntilAnswered(
  send: () => Promise<Response>,
): Promise<{ bytes?: Uint8Array; story: string[]; error?: unknown }> {
  const story: string[] = [];
  let error: unknown;
  for (let times = 0; times < MAX_CALLS; times++) {
    // Whoever calls again gives the server a moment, and more each time.
    if (times > 0) await sleep(300 * times);
    try {
      const response = await send();
      const bytes = new Uint8Array(await response.arrayBuffer());
      story.push(`status ${response.status}`);
      if (response.status === 200) return { bytes, story };
    } catch (thrown) {
      error = thrown;
      story.push(thrown instanceof Error ? `${thrown.name} ${thrown.message}` : String(thrown));
      if (thrown instanceof PaymentRefused || thrown instanceof PaymentRejected) break;
    }
  }
  return { story, error };
}
