/** How a buyer signs for Permit2, in any scheme. */
import { PERMIT2_ADDRESS } from "../../../contracts-abi/permit2.ts";
import { isAtomicAmount } from "../../core/amount.ts";
import { X402Error } from "../../core/errors.ts";
import { bytesToHex } from "../../core/hex.ts";
import type { PaymentRequirements } from "../../core/messages.ts";
import type { ClientScheme, Hex } from "../../core/scheme.ts";
import { parseAddress } from "../address.ts";
import type { PaymentReader } from "../rpc-reader.ts";
import type { EvmSigner, TypedDataField } from "../signer.ts";
import { permitParties } from "./parties.ts";
import { allowanceCall } from "./reads.ts";
import { SPONSORING } from "./sponsoring.ts";

/** What a scheme signs of its own. */
export interface PermitTerms {
  /** x402's proxy of the scheme. */
  readonly spender: Hex;
  readonly witness: Readonly<Record<string, string>>;
  /** Type of the witness (EIP-712). */
  readonly witnessType: readonly TypedDataField[];
}

const PERMIT_TYPES = {
  PermitWitnessTransferFrom: [
    { name: "permitted", type: "TokenPermissions" },
    { name: "spender", type: "address" },
    { name: "nonce", type: "uint256" },
    { name: "deadline", type: "uint256" },
    { name: "witness", type: "Witness" },
  ],
  TokenPermissions: [
    { name: "token", type: "address" },
    { name: "amount", type: "uint256" },
  ],
} as const;

/**
 * Signs a permit of the required amount. Instead of an earlier one it takes over its nonce, which Permit2 accepts once
 * from an owner.
 *
 * @throws X402Error `permit2_allowance_required`, when there is a chain to ask and nobody sponsors the allowance.
 */
export async function signPermit(
  account: EvmSigner,
  chain: PaymentReader | undefined,
  requirements: PaymentRequirements,
  {
    nowSeconds,
    lifetimeSeconds,
    instead,
    extensions = {},
  }: Parameters<ClientScheme["createPayload"]>[1],
  { spender, witness, witnessType }: PermitTerms,
): Promise<Record<string, unknown>> {
  const parties = permitParties(requirements);
  if (parties === undefined) throw new TypeError("these requirements cannot be paid with Permit2");
  const { chainId, token } = parties;
  const nonce = instead
    ? earlierNonce(account, instead)
    : BigInt(bytesToHex(crypto.getRandomValues(new Uint8Array(32))));
  if (nonce === undefined) throw new TypeError("`instead` is no permit of this account");
  const { amount } = requirements;
  const isSponsored = Object.values(SPONSORING).some((name) => Object.hasOwn(extensions, name));
  if (!isSponsored) await assertAllowed(chain, requirements, token, account.address);
  const permit = {
    permitted: { token, amount },
    spender,
    nonce: nonce.toString(),
    deadline: String(nowSeconds + lifetimeSeconds),
    witness,
  };
  const signature = await account.signTypedData({
    domain: { name: "Permit2", chainId, verifyingContract: PERMIT2_ADDRESS },
    types: { ...PERMIT_TYPES, Witness: witnessType },
    primaryType: "PermitWitnessTransferFrom",
    message: permit,
  });
  return { signature, permit2Authorization: { from: account.address, ...permit } };
}

async function assertAllowed(
  chain: PaymentReader | undefined,
  { network, amount }: PaymentRequirements,
  token: Hex,
  owner: Hex,
): Promise<void> {
  const allowance = await chain?.read?.(network, allowanceCall(token, owner));
  if (allowance === undefined || allowance.length !== 66) return; // whoever verifies says
  if (BigInt(allowance) >= BigInt(amount)) return;
  throw new X402Error(
    "permit2_allowance_required",
    `Permit2 may not move ${amount} of token ${token} of ${owner} on ${network}: send the transaction of permit2Approval({ token }) once, then pay again`,
    { retry: "safe" },
  );
}

/** Whether a permit can take over the nonce of an earlier payment, of whatever token and scheme. */
export function excludesPermit(
  account: EvmSigner,
  ...[earlier, requirements]: Parameters<NonNullable<ClientScheme["excludes"]>>
): boolean {
  return (
    earlier.network === requirements.network && earlierNonce(account, earlier.payload) !== undefined
  );
}

function earlierNonce(
  account: EvmSigner,
  payload: Readonly<Record<string, unknown>>,
): bigint | undefined {
  const signed = readPermit(payload);
  return signed?.payer === account.address.toLowerCase() ? signed.nonce : undefined;
}

/** What was signed, in a payload that this client made and kept. */
export function readPermit({
  permit2Authorization,
  authorization,
}: Readonly<Record<string, unknown>>) {
  const { from, nonce, deadline } = (permit2Authorization ?? {}) as Record<string, unknown>;
  const payer = parseAddress(String(from));
  const [number, end] = [String(nonce), String(deadline)];
  if (payer === undefined || authorization !== undefined) return undefined;
  if (!isAtomicAmount(number) || !isAtomicAmount(end)) return undefined;
  return { payer, nonce: BigInt(number), deadline: BigInt(end) };
}
