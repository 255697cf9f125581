import { evmChainId } from "../../core/network.ts";
import { object, tryParse } from "../../core/schema.ts";
import type { ServerScheme } from "../../core/scheme.ts";
import { address, uint } from "../fields.ts";
import { permitKey } from "./payload.ts";

/** What the identity of a payment is made of, whatever its witness. */
const Identity = object({ permit2Authorization: object({ from: address, nonce: uint }) });

/** Identity of a payment as the facilitator's ledger has it; nothing when the payload is malformed. */
export const permit2PaymentKey: ServerScheme["paymentKey"] = (payload, requirements) => {
  const decoded = tryParse(Identity, payload);
  const chainId = evmChainId(requirements.network);
  if (decoded === undefined || chainId === undefined) return undefined;
  const { from, nonce } = decoded.permit2Authorization;
  return permitKey(chainId, from, nonce);
};
