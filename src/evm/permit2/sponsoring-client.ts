/** What a buyer adds to a payment whose gas the facilitator pays, when Permit2 has no allowance yet. */
import { PERMIT2_ADDRESS } from "../../../contracts-abi/permit2.ts";
import { hexWord } from "../../core/hex.ts";
import type { PaymentRequirements } from "../../core/messages.ts";
import type { Call, ClientScheme, Extensions, Hex } from "../../core/scheme.ts";
import type { EvmAsset } from "../assets.ts";
import type { PaymentReader } from "../rpc-reader.ts";
import type { EvmSigner } from "../signer.ts";
import { permitParties } from "./parties.ts";
import { allowanceCall } from "./reads.ts";
import { SPONSORING } from "./sponsoring.ts";

/** Selector of `nonces(address)` (EIP-2612). */
const NONCES = "0x7ecebe00";

const PERMIT_TYPES = {
  Permit: [
    { name: "owner", type: "address" },
    { name: "spender", type: "address" },
    { name: "value", type: "uint256" },
    { name: "nonce", type: "uint256" },
    { name: "deadline", type: "uint256" },
  ],
} as const;

/** Who pays, and what is known of the token. */
export interface SponsoredBuyer {
  readonly account: EvmSigner;
  readonly chain: PaymentReader | undefined;
  /** The token as our own table has it: what is signed for it does not come from the server. */
  readonly asset: EvmAsset | undefined;
}

type Extend = NonNullable<ClientScheme["extend"]>;

/**
 * The extension by which Permit2 gets its allowance, the first of those that the server declares and the buyer can use;
 * none when the allowance is there, or nobody can be asked.
 */
export async function extendPermit2(
  { account, chain, asset }: SponsoredBuyer,
  ...[declared, requirements, options]: Parameters<Extend>
): Promise<Extensions> {
  const parties = permitParties(requirements);
  if (chain?.read === undefined || parties === undefined) return {};
  const { chainId, token } = parties;
  const canPermit = asset?.name !== undefined && asset.version !== undefined;
  if (!canPermit || !Object.hasOwn(declared, SPONSORING.eip2612)) return {};
  if (!(await isNotAllowed(chain, requirements, token, account.address))) return {};
  const owner = hexWord(account.address);
  const nonce = await readUint(chain, requirements, { to: token, data: `${NONCES}${owner}` });
  if (nonce === undefined) return {}; // the token has no EIP-2612
  const permit = {
    owner: account.address,
    spender: PERMIT2_ADDRESS,
    value: BigInt(requirements.amount),
    nonce,
    deadline: BigInt(options.nowSeconds + options.lifetimeSeconds),
  };
  const { name = "", version = "" } = asset;
  const signature = await account.signTypedData({
    domain: { name, version, chainId, verifyingContract: token },
    types: PERMIT_TYPES,
    primaryType: "Permit",
    message: permit,
  });
  const info = {
    from: account.address,
    asset: token,
    spender: PERMIT2_ADDRESS,
    amount: requirements.amount,
    nonce: nonce.toString(),
    deadline: permit.deadline.toString(),
    signature,
    version: "1",
  };
  return { [SPONSORING.eip2612]: info };
}

async function isNotAllowed(
  chain: PaymentReader,
  requirements: PaymentRequirements,
  token: Hex,
  owner: Hex,
): Promise<boolean> {
  const allowance = await readUint(chain, requirements, allowanceCall(token, owner));
  return allowance !== undefined && allowance < BigInt(requirements.amount);
}

async function readUint(
  chain: PaymentReader,
  { network }: PaymentRequirements,
  call: Call,
): Promise<bigint | undefined> {
  const word = await chain.read?.(network, call);
  return word?.length === 66 ? BigInt(word) : undefined;
}
