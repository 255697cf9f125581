/**
 * `exact` with ERC-7710 (scheme_exact_evm, section 3): a delegation manager makes the payer's account transfer the
 * money. What a permission context allows is known to its manager alone, so all verification is simulation; and the chain
 * keeps no nonce of it, so what could be paid twice with it is refused (decision 0014).
 */
import { evmChainId } from "../../core/network.ts";
import { tryParse } from "../../core/schema.ts";
import type { PaymentPayload, PaymentRequirements } from "../../core/messages.ts";
import type { Reason } from "../../core/reasons.ts";
import type { Call, ChainReader, CheckContext, Checked, Hex, Log } from "../../core/scheme.ts";
import { hexWord, uintWord } from "../../core/hex.ts";
import { parseAddress } from "../address.ts";
import { findAsset, type EvmAsset } from "../assets.ts";
import {
  delegationKey,
  Erc7710Payload,
  isErc7710,
  type Erc7710Payment,
} from "./erc7710-payload.ts";
import type { ExactMethod } from "./method.ts";
import { tryRedemption } from "./redemption-probe.ts";

export interface Erc7710Options {
  /** Delegation managers that may be called (ERC-7710); default: none, and such payments are not taken. */
  readonly erc7710Managers?: readonly string[];
  /** Gas that the redemption of a delegation may use; default 500,000. */
  readonly delegationGas?: bigint;
}

/** `redeemDelegations(bytes[] permissionContexts, bytes32[] modes, bytes[] executionCallDatas)` */
const REDEEM_DELEGATIONS = "0xcef6d209";
const TRANSFER = "a9059cbb";
const BALANCE_OF = "0x70a08231";
const TRANSFER_TOPIC = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef";
const AUTHORIZATION_USED_TOPIC =
  "0x98de503528ee59b575ef0c0a2576a82497bfc029a5685b209e9ec333479b10a5";

/** The identity precompile gives back what it gets: a no, for the chain keeps no trace that could be asked for. */
const NO: Call = { to: "0x0000000000000000000000000000000000000004", data: `0x${uintWord(0)}` };

/** A context has no expiry that can be read; its record is kept for so long. */
const REMEMBERED_SECONDS = 30 * 24 * 3600;

/** @throws TypeError for managers that are no addresses, and a limit that is not positive. */
export function erc7710Method(
  options: Erc7710Options & { readonly assets: readonly EvmAsset[] },
): ExactMethod<Erc7710Payment> {
  const { assets, delegationGas = 500_000n } = options;
  if (delegationGas <= 0n || delegationGas > 30_000_000n)
    throw new TypeError("delegationGas must be positive, and at most 30,000,000");
  const managers = new Set(
    (options.erc7710Managers ?? []).map((text) => {
      const address = parseAddress(text);
      if (address === undefined)
        throw new TypeError(`erc7710Managers: "${text}" is not an address`);
      return address;
    }),
  );
  const balance = ({ asset, payer }: Erc7710Payment): Call => ({
    to: asset,
    data: `${BALANCE_OF}${hexWord(payer)}`,
  });

  async function authorize(
    payment: Erc7710Payment,
    chain: ChainReader,
    from: Hex,
  ): Promise<Reason | undefined> {
    const call = redemption(payment);
    const tried = await tryRedemption(chain, from, call, balance(payment), delegationGas);
    if (tried === undefined) return "erc7710_single_use_not_proven";
    const { once, twice, before, after } = tried;
    if (!once) return await diagnose(payment, chain);
    // Whose money it is, is only said by the payload so far.
    if (before - after !== payment.amount) return "erc7710_delegator_mismatch";
    // What fails for want of money may be repeated when there is more.
    const isProven = !twice && before >= 2n * payment.amount;
    return isProven ? undefined : "erc7710_single_use_not_proven";
  }

  async function diagnose(payment: Erc7710Payment, chain: ChainReader): Promise<Reason> {
    const [code, held] = await Promise.all([
      chain.code(payment.asset),
      chain.call(balance(payment)),
    ]);
    if (code === "0x") return "asset_not_deployed_contract";
    if (held.ok && held.data.length === 66 && BigInt(held.data) < payment.amount)
      return "invalid_exact_evm_insufficient_balance";
    return "invalid_exact_evm_transaction_simulation_failed";
  }

  return {
    reverted: "invalid_exact_evm_transaction_failed",
    reads: isErc7710,
    check: (payload, requirements, nowSeconds, context) =>
      checkErc7710(payload, requirements, nowSeconds, { assets, managers, context }),
    paymentKey: ({ network, delegationManager, payer, permissionContext }) =>
      delegationKey(evmChainId(network) ?? 0, delegationManager, payer, permissionContext),
    verifySignature: () => Promise.resolve(undefined),
    authorize,
    simulation: (payment) => ({
      ...redemption(payment),
      ...(payment.delegate && { from: payment.delegate }),
    }),
    diagnose,
    settlementCall: (payment) => ({
      ...redemption(payment),
      gasLimit: delegationGas,
      liable: { wallet: payment.payer, shared: payment.delegationManager },
      ...(payment.delegate && { sender: payment.delegate }),
    }),
    outcome,
    usage: ({ asset, payer, payTo }) => ({
      address: asset,
      topics: [TRANSFER_TOPIC, `0x${hexWord(payer)}`, `0x${hexWord(payTo)}`],
    }),
    used: () => NO,
    balance: (payment) => ({
      ...balance(payment),
      shortage: "invalid_exact_evm_insufficient_balance",
    }),
  };
}

interface Terms {
  readonly assets: readonly EvmAsset[];
  readonly managers: ReadonlySet<Hex>;
  readonly context: CheckContext | undefined;
}

function checkErc7710(
  { accepted, payload }: PaymentPayload,
  requirements: PaymentRequirements,
  nowSeconds: number,
  { assets, managers, context }: Terms,
): Checked<Erc7710Payment> {
  const { network } = requirements;
  if (accepted.scheme !== requirements.scheme) return { reason: "invalid_exact_evm_scheme" };
  const asset = parseAddress(requirements.asset);
  const payTo = parseAddress(requirements.payTo);
  const isAsked = requirements.extra?.["assetTransferMethod"] === "erc7710";
  if (asset === undefined || payTo === undefined || !isAsked)
    return { reason: "invalid_payment_requirements" };
  if (accepted.network !== network) return { reason: "invalid_exact_evm_network_mismatch" };
  if (findAsset(assets, network, asset) === undefined) return { reason: "unsupported_asset" };
  const decoded = tryParse(Erc7710Payload, payload);
  if (decoded === undefined) return { reason: "invalid_payload" };
  const { delegationManager, permissionContext, delegator: payer } = decoded;
  if (!managers.has(delegationManager)) return { reason: "erc7710_manager_not_allowed", payer };
  const amount = BigInt(requirements.amount);
  const expiresAtSeconds = nowSeconds + REMEMBERED_SECONDS;
  const delegate = context?.signers[0];
  return {
    payment: {
      method: "erc7710",
      network,
      asset,
      payer,
      payTo,
      amount,
      expiresAtSeconds,
      delegationManager,
      permissionContext,
      ...(delegate && { delegate }),
    },
  };
}

/** One single call (ERC-7579, its default mode) of the token's `transfer`. */
function redemption(payment: Erc7710Payment): Call {
  const transfer = TRANSFER + hexWord(payment.payTo) + uintWord(payment.amount);
  const execution = payment.asset.slice(2) + uintWord(0) + transfer;
  const contexts = bytesArray(payment.permissionContext.slice(2));
  const modes = uintWord(1) + uintWord(0);
  const modesAt = 96 + contexts.length / 2;
  const offsets = [96, modesAt, modesAt + modes.length / 2].map(uintWord).join("");
  return {
    to: payment.delegationManager,
    data: `${REDEEM_DELEGATIONS}${offsets}${contexts}${modes}${bytesArray(execution)}`,
  };
}

/** A `bytes[]` of one. */
function bytesArray(bytes: string): string {
  const padding = "0".repeat((64 - (bytes.length % 64)) % 64);
  return uintWord(1) + uintWord(32) + uintWord(bytes.length / 2) + bytes + padding;
}

/**
 * Exactly one transfer from payer to payee, of the amount. One that uses an EIP-3009 authorization of the payer's on the
 * way belongs to that authorization, which may be another payment: it does not count twice.
 */
function outcome(payment: Erc7710Payment, logs: readonly Log[]): Reason | "settled" {
  const payer = `0x${hexWord(payment.payer)}`;
  const own = logs.filter(
    ({ address, topics }) => address.toLowerCase() === payment.asset && topics[1] === payer,
  );
  const transfers = own.filter(
    ({ topics }) => topics[0] === TRANSFER_TOPIC && topics[2] === `0x${hexWord(payment.payTo)}`,
  );
  const exact =
    transfers.length === 1 &&
    transfers[0]?.data === `0x${uintWord(payment.amount)}` &&
    !own.some(({ topics }) => topics[0] === AUTHORIZATION_USED_TOPIC);
  return exact ? "settled" : "invalid_exact_evm_transfer_event_mismatch";
}
