/** What became of a buyer's payments in `exact` and `upto`, by the chain; part of `rpcReader`, so that others do not bundle it. */
import { isAtomicAmount } from "../core/amount.ts";
import type { ClientScheme, Hex } from "../core/scheme.ts";
import { parseAddress } from "./address.ts";
import { readSigned } from "./exact/client.ts";
import { readPermit } from "./permit2/client.ts";
import { nonceCall } from "./permit2/reads.ts";
import type { PaymentReader } from "./rpc-reader.ts";

/** Selector of `authorizationState(address,bytes32)` (EIP-3009), and what an address is padded with. */
const AUTHORIZATION_STATE = `0xe94a0102${"0".repeat(24)}` as const;

/**
 * The fate of an authorization or a permit. One that its payer cancelled, or that another with its nonce came before, is
 * `taken`: the contracts keep no difference.
 */
export async function paymentFate(
  chain: Pick<PaymentReader, "fate">,
  ...[payload, { network, asset }]: Parameters<NonNullable<ClientScheme["fate"]>>
): Promise<"taken" | "void" | "open"> {
  const permit = readPermit(payload);
  // Permit2 takes it in a block of the very second of its deadline.
  if (permit !== undefined)
    return await chain.fate(network, nonceCall(permit), permit.deadline + 1n);
  const signed = readSigned(payload);
  const to = parseAddress(asset);
  if (signed === undefined || to === undefined || !isAtomicAmount(signed.validBefore))
    return "open";
  const data: Hex = `${AUTHORIZATION_STATE}${signed.from.slice(2)}${signed.nonce.slice(2)}`;
  return await chain.fate(network, { to, data }, BigInt(signed.validBefore));
}
