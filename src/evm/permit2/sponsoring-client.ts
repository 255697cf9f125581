/** What a buyer adds to a payment whose gas the facilitator pays, when Permit2 has no allowance yet. */
import { PERMIT2_ADDRESS } from "../../../contracts-abi/permit2.ts";
import { MAX_UINT256 } from "../../core/amount.ts";
import { hexWord } from "../../core/hex.ts";
import type { PaymentRequirements } from "../../core/messages.ts";
import type { Call, ClientScheme, Extensions, Hex } from "../../core/scheme.ts";
import type { EvmAsset } from "../assets.ts";
import type { PaymentReader } from "../rpc-reader.ts";
import { parseEcdsa } from "../signature.ts";
import type { EvmSigner } from "../signer.ts";
import { permit2Approval } from "./approval.ts";
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
  readonly chain?: PaymentReader | undefined;
  /** The token as our own table has it: what is signed for it does not come from the server. */
  readonly asset: EvmAsset | undefined;
  /** Whether transactions may be signed that let Permit2 move any amount of a token. */
  readonly signApprovals?: boolean | undefined;
}

type Extend = NonNullable<ClientScheme["extend"]>;

/**
 * The extension by which Permit2 gets its allowance, the first of those that the server declares and the buyer can use;
 * none when the allowance is there, or nobody can be asked.
 */
export async function extendPermit2(
  buyer: SponsoredBuyer,
  ...[declared, requirements, options]: Parameters<Extend>
): Promise<Extensions> {
  const { account, chain, asset } = buyer;
  const parties = permitParties(requirements);
  if (chain?.read === undefined || parties === undefined) return {};
  const { token } = parties;
  const canPermit = asset?.name !== undefined && asset.version !== undefined;
  const byPermit = canPermit && Object.hasOwn(declared, SPONSORING.eip2612);
  const byApproval = canApprove(buyer) && Object.hasOwn(declared, SPONSORING.erc20Approval);
  if (!byPermit && !byApproval) return {};
  if (!(await isNotAllowed(chain, requirements, token, account.address))) return {};
  const info =
    (byPermit ? await signPermit2612(buyer, requirements, parties, options) : undefined) ??
    (byApproval ? await signApproval(buyer, requirements, parties) : undefined);
  if (info === undefined) return {};
  const common = { from: account.address, asset: token, spender: PERMIT2_ADDRESS, version: "1" };
  const name = "nonce" in info ? SPONSORING.eip2612 : SPONSORING.erc20Approval;
  const extension = declared[name] as { readonly info?: object } | null | undefined;
  return { [name]: { ...extension, info: { ...extension?.info, ...common, ...info } } };
}

type Parties = NonNullable<ReturnType<typeof permitParties>>;

/** A permit of exactly the amount; nothing when the token has no EIP-2612, or a wallet's signature is no key's. */
async function signPermit2612(
  { account, chain, asset }: SponsoredBuyer,
  requirements: PaymentRequirements,
  { chainId, token }: Parties,
  options: Parameters<Extend>[2],
) {
  const owner = hexWord(account.address);
  const nonce = await readUint(chain!, requirements, { to: token, data: `${NONCES}${owner}` });
  if (nonce === undefined) return undefined;
  const permit = {
    owner: account.address,
    spender: PERMIT2_ADDRESS,
    value: BigInt(requirements.amount),
    nonce,
    deadline: BigInt(options.nowSeconds + options.lifetimeSeconds),
  };
  const { name = "", version = "" } = asset ?? {};
  const signature = await account.signTypedData({
    domain: { name, version, chainId, verifyingContract: token },
    types: PERMIT_TYPES,
    primaryType: "Permit",
    message: permit,
  });
  if (parseEcdsa(signature) === undefined) return undefined;
  const { amount } = requirements;
  return { amount, nonce: nonce.toString(), deadline: permit.deadline.toString(), signature };
}

const canApprove = ({ account, chain, signApprovals }: SponsoredBuyer): boolean =>
  signApprovals === true &&
  account.signTransaction !== undefined &&
  chain?.nextTransaction !== undefined;

/** Tokens behind proxies need up to 60,000; what is not used costs nothing. */
const APPROVAL_GAS = 100_000n;
/** Wei per gas over which nothing is signed, whatever a node says. */
const MAX_FEE = 1_000_000_000_000n;

/** The account's next transaction, which allows Permit2 to move the token. */
async function signApproval(
  { account, chain }: SponsoredBuyer,
  { network }: PaymentRequirements,
  { chainId, token }: Parties,
) {
  const next = await chain?.nextTransaction?.(network, account.address);
  if (next === undefined || next.maxFeePerGas > MAX_FEE) return undefined;
  const { to, data } = permit2Approval({ token });
  const transaction = { type: "eip1559", chainId, to, data, gas: APPROVAL_GAS, ...next } as const;
  const signedTransaction = await account.signTransaction?.(transaction);
  return signedTransaction && { amount: MAX_UINT256.toString(), signedTransaction };
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
