import type { ChainReader, Hex, Log } from "../../core/scheme.ts";
import type { Reason } from "../../core/reasons.ts";
import { hexToBytes, hexWord, uintWord } from "../../core/hex.ts";
import { parseEcdsa } from "../signature.ts";
import type { SignatureForm } from "../wallet-signature.ts";
import { checkEip3009 } from "./check.ts";
import type { ExactMethod, ExactMethodOptions } from "./method.ts";
import { authorizationDigest, authorizationKey, type Eip3009Payment } from "./payload.ts";

/** Selectors and topics: keccak256 of the signatures in `contracts-abi/eip3009.ts` and `erc20.ts` (a test compares). */
const TRANSFER_WITH_AUTHORIZATION = "0xe3ee160e";
const TRANSFER_WITH_AUTHORIZATION_BYTES = "0xcf092995";
const AUTHORIZATION_STATE = "0xe94a0102";
const BALANCE_OF = "0x70a08231";
const NAME = "0x06fdde03";
const VERSION = "0x54fd4d50";
const TRANSFER_TOPIC = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef";
const AUTHORIZATION_USED_TOPIC =
  "0x98de503528ee59b575ef0c0a2576a82497bfc029a5685b209e9ec333479b10a5";

/** Twice what USDC needs (about 69,000), so that no token can burn much more. */
const GAS_LIMIT = 150_000n;
/** In a batch USDC needs 46,000, or 65,000 to an address that has none of it yet. */
const BATCH_GAS = 90_000n;

/** Payments of accounts and wallets in tokens with EIP-3009. */
export function eip3009Method(options: ExactMethodOptions): ExactMethod<Eip3009Payment> {
  const { signatures } = options;
  const settlementCall = (payment: Eip3009Payment) => {
    const form = signatures.form(payment, () => authorizationDigest(payment));
    const call = { to: payment.asset, data: transferCall(payment, form) };
    const gas = { gasLimit: GAS_LIMIT, batchGas: BATCH_GAS };
    return signatures.settlement(payment, form, call, gas);
  };
  return {
    reverted: "invalid_exact_evm_transaction_failed",
    reads: (payload) => payload["authorization"] != null,
    check: (payload, requirements, nowSeconds) =>
      checkEip3009(payload, requirements, nowSeconds, options),
    paymentKey: (payment) =>
      authorizationKey(payment.domain.chainId, payment.asset, payment.payer, payment.nonce),
    async verifySignature(payment, chain) {
      const problem = await signatures.verify(payment, authorizationDigest(payment), chain);
      if (problem === undefined) return undefined;
      return problem === "invalid" ? "invalid_exact_evm_signature" : "eip6492_factory_not_allowed";
    },
    simulation(payment) {
      const { to, data } = settlementCall(payment);
      return { to, data };
    },
    diagnose,
    settlementCall,
    outcome,
    usage: (payment) => ({
      address: payment.asset,
      topics: [null, ...authorizationTopics(payment)],
    }),
    used: (payment) => ({ to: payment.asset, data: stateCall(payment) }),
    balance: (payment) => ({
      to: payment.asset,
      data: `${BALANCE_OF}${hexWord(payment.payer)}`,
      shortage: "invalid_exact_evm_insufficient_balance",
    }),
  };
}

/**
 * Calldata of `transferWithAuthorization(from, to, value, validAfter, validBefore, nonce, …)`: with `v, r, s` for what is
 * such a signature to the byte, or is one of a key; with the bytes as they are for what only a wallet understands.
 */
function transferCall(payment: Eip3009Payment, form: SignatureForm): Hex {
  const words = [
    hexWord(payment.payer),
    hexWord(payment.payTo),
    uintWord(payment.amount),
    uintWord(payment.validAfter),
    uintWord(payment.validBefore),
    payment.nonce.slice(2),
  ].join("");
  const ecdsa = form.by === "key" ? form.ecdsa : packedEcdsa(form.signature);
  if (ecdsa !== undefined) {
    const signature = uintWord(ecdsa.yParity + 27) + uintWord(ecdsa.r) + uintWord(ecdsa.s);
    return `${TRANSFER_WITH_AUTHORIZATION}${words}${signature}`;
  }
  const bytes = (form as { signature: Hex }).signature.slice(2);
  const padding = "0".repeat((64 - (bytes.length % 64)) % 64);
  const signature = uintWord(7 * 32) + uintWord(bytes.length / 2) + bytes + padding;
  return `${TRANSFER_WITH_AUTHORIZATION_BYTES}${words}${signature}`;
}

/** A signature whose 65 bytes are what a token makes of its `v, r, s`. */
function packedEcdsa(signature: Hex): ReturnType<typeof parseEcdsa> {
  return /1[bc]$/i.test(signature) && signature.length === 132 ? parseEcdsa(signature) : undefined;
}

/** Calldata of `authorizationState(authorizer, nonce)`. */
function stateCall({ payer, nonce }: Eip3009Payment): Hex {
  return `${AUTHORIZATION_STATE}${hexWord(payer)}${nonce.slice(2)}`;
}

async function diagnose(payment: Eip3009Payment, chain: ChainReader): Promise<Reason> {
  const read = (data: Hex) => chain.call({ to: payment.asset, data });
  const [code, used, balance, name, version] = await Promise.all([
    chain.code(payment.asset),
    read(stateCall(payment)),
    read(`${BALANCE_OF}${hexWord(payment.payer)}`),
    read(NAME),
    read(VERSION),
  ]);
  if (code === "0x") return "asset_not_deployed_contract";
  const usedFlag = uintResult(used);
  if (usedFlag === undefined) return "invalid_exact_evm_eip3009_not_supported";
  if (usedFlag !== 0n) return "invalid_exact_evm_nonce_already_used";
  if (isOtherText(name, payment.domain.name)) return "invalid_exact_evm_token_name_mismatch";
  if (isOtherText(version, payment.domain.version))
    return "invalid_exact_evm_token_version_mismatch";
  const available = uintResult(balance);
  if (available !== undefined && available < payment.amount)
    return "invalid_exact_evm_insufficient_balance";
  return "invalid_exact_evm_transaction_simulation_failed";
}

function uintResult(result: { ok: boolean; data: Hex }): bigint | undefined {
  return result.ok && result.data.length === 66 ? BigInt(result.data) : undefined;
}

/** Whether a contract answered with an ABI string that is not the expected one; no answer is no proof. */
function isOtherText(result: { ok: boolean; data: Hex }, expected: string): boolean {
  if (!result.ok || result.data.length < 2 + 128) return false;
  const length = Number.parseInt(result.data.slice(2 + 64, 2 + 128), 16);
  const bytes = hexToBytes(`0x${result.data.slice(2 + 128, 2 + 128 + 2 * length)}`);
  return new TextDecoder().decode(bytes) !== expected;
}

/**
 * The token emits `AuthorizationUsed` and then the `Transfer` of the same authorization. In a transaction of many
 * payments, a payment's own logs are those of its token from its `AuthorizationUsed` up to the next one.
 */
function outcome(payment: Eip3009Payment, logs: readonly Log[]): Reason | "settled" {
  const [payer, nonce] = authorizationTopics(payment);
  const transfers = transfersByUse(logs).get(`${payment.asset}${payer}${nonce}`) ?? [];
  const [transfer] = transfers;
  const exact =
    transfer !== undefined &&
    transfers.length === 1 &&
    transfer.topics[1] === payer &&
    transfer.topics[2] === `0x${hexWord(payment.payTo)}` &&
    transfer.data === `0x${uintWord(payment.amount)}`;
  return exact ? "settled" : "invalid_exact_evm_transfer_event_mismatch";
}

const known = new WeakMap<readonly Log[], ReadonlyMap<string, readonly Log[]>>();

/** Transfers by token, payer and nonce of the use that they follow; none for a use that is logged twice. */
function transfersByUse(logs: readonly Log[]): ReadonlyMap<string, readonly Log[]> {
  const before = known.get(logs);
  if (before !== undefined) return before;
  const uses = new Map<string, Log[]>();
  const latest = new Map<string, Log[]>();
  for (const { address, topics, data } of logs) {
    const token = address.toLowerCase() as Hex;
    if (topics[0] === AUTHORIZATION_USED_TOPIC) {
      const use = `${token}${topics[1]}${topics[2]}`;
      latest.set(token, []);
      uses.set(use, uses.has(use) ? [] : (latest.get(token) ?? []));
    } else if (topics[0] === TRANSFER_TOPIC) {
      latest.get(token)?.push({ address, topics, data });
    }
  }
  known.set(logs, uses);
  return uses;
}

/** Indexed arguments of `AuthorizationUsed` and `AuthorizationCanceled`: authorizer and nonce. */
function authorizationTopics({ payer, nonce }: Eip3009Payment): Hex[] {
  return [`0x${hexWord(payer)}`, nonce];
}
