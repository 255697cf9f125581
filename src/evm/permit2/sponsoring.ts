/** Gas sponsoring: extensions with which a facilitator pays for the allowance that a payment with Permit2 needs. */

/** Names of the extensions by the way in which the allowance is given (specs/extensions). */
export const SPONSORING = {
  eip2612: "eip2612GasSponsoring",
  erc20Approval: "erc20ApprovalGasSponsoring",
} as const;

/**
 * `eip2612`: by a permit that the buyer signs, for tokens with EIP-2612. `erc20Approval`: by a transaction of the
 * buyer's, signed and not sent, for any token.
 */
export type GasSponsoring = keyof typeof SPONSORING;

const hex = (digits: string) => ({ type: "string", pattern: `^0x[a-fA-F0-9]${digits}$` });
const digits = { type: "string", pattern: "^[0-9]+$" };
const common = { from: hex("{40}"), asset: hex("{40}"), spender: hex("{40}"), amount: digits };

const DECLARED = {
  eip2612: {
    description: "The facilitator takes an EIP-2612 permit for Permit2 and pays its gas.",
    properties: { ...common, nonce: digits, deadline: digits, signature: hex("+") },
  },
  erc20Approval: {
    description: "The facilitator takes a signed approval of Permit2 and pays its gas.",
    properties: { ...common, signedTransaction: hex("+") },
  },
} as const;

/** What a 402 declares. @throws TypeError for a way that there is not. */
export function declareSponsoring(ways: readonly GasSponsoring[]): Record<string, unknown> {
  return Object.fromEntries(
    ways.map((way) => {
      if (!Object.hasOwn(SPONSORING, way))
        throw new TypeError(`gasSponsoring "${way}" is not "eip2612" or "erc20Approval"`);
      const { description } = DECLARED[way];
      const properties = {
        ...DECLARED[way].properties,
        version: { type: "string", pattern: "^[0-9]+(\\.[0-9]+)*$" },
      };
      const schema = {
        $schema: "https://json-schema.org/draft/2020-12/schema",
        type: "object",
        properties,
        required: Object.keys(properties),
      };
      return [SPONSORING[way], { info: { description, version: "1" }, schema }];
    }),
  );
}

/** `extensions` of a seller's scheme: declares the ways where an offer is paid by way of Permit2. */
export function sponsoringOf(ways: readonly GasSponsoring[] = []) {
  const declared = declareSponsoring(ways);
  return ({ extra }: { readonly extra?: Readonly<Record<string, unknown>> | undefined }) =>
    extra?.["assetTransferMethod"] === "permit2" ? declared : {};
}
