import { X402_EXACT_PERMIT2_PROXY_ADDRESS } from "../../../contracts-abi/x402-exact-permit2-proxy.ts";
import { excludesPermit, signPermit } from "../permit2/client.ts";
import { permitParties } from "../permit2/parties.ts";
import { extendPermit2 } from "../permit2/sponsoring-client.ts";
import type { ExactClientMethod } from "./client-method.ts";

/**
 * Pays offers with `assetTransferMethod: "permit2"`, in any ERC-20: `exactEvmClient({ account, methods: [permit2()] })`.
 * The account has to allow Permit2 once for every token (`permit2Approval`). `exactEvm` has it built in.
 */
export function permit2(): ExactClientMethod {
  return {
    supports: (requirements) =>
      requirements.scheme === "exact" &&
      requirements.extra?.["assetTransferMethod"] === "permit2" &&
      permitParties(requirements) !== undefined,
    sign: (account, requirements, options, chain) =>
      signPermit(account, chain, requirements, options, {
        spender: X402_EXACT_PERMIT2_PROXY_ADDRESS,
        witness: { to: permitParties(requirements)?.payTo ?? "", validAfter: "0" },
        witnessType: [
          { name: "to", type: "address" },
          { name: "validAfter", type: "uint256" },
        ],
      }),
    extend: extendPermit2,
    excludes: excludesPermit,
  };
}
