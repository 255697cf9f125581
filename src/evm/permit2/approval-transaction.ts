/** The signed transaction by which a payer allows Permit2 (specs/extensions/erc20_gas_sponsoring), as it comes in. */
import { keccak_256 } from "@noble/hashes/sha3.js";
import { PERMIT2_ADDRESS } from "../../../contracts-abi/permit2.ts";
import { bytesToHex, hexToBytes, hexWord, uintWord } from "../../core/hex.ts";
import type { PaymentPayload } from "../../core/messages.ts";
import type { Reason } from "../../core/reasons.ts";
import type { Hex } from "../../core/scheme.ts";
import { bytes } from "../fields.ts";
import { parseEcdsa } from "../signature.ts";
import type { Approval } from "./kind.ts";
import { decodeList, uintOf } from "./rlp.ts";
import { mismatchOf, readInfo, type SponsoredParties } from "./sponsored.ts";
import { SPONSORING } from "./sponsoring.ts";

/** Selector of `approve(address,uint256)`. */
const APPROVE = "0x095ea7b3";
/** Type, list and fields of an approval take some 180 bytes. */
const MAX_BYTES = 256;
/** Tokens behind proxies need up to 60,000. */
const MAX_GAS = 150_000n;

const MISMATCH = {
  from: "erc20_approval_from_mismatch",
  asset: "erc20_approval_asset_mismatch",
  spender: "erc20_approval_spender_not_permit2",
} as const satisfies Record<string, Reason>;

/** The approval that a payment brings along, without a look at the chain and at who signed it. */
export function readApproval(
  payload: PaymentPayload,
  parties: SponsoredParties & { readonly permitted: bigint; readonly chainId: number },
): { readonly approval?: Approval; readonly reason?: Reason } {
  const info = readInfo(payload, SPONSORING.erc20Approval, { signedTransaction: bytes(2048) });
  if (info === undefined) return {};
  if (info === "malformed") return { reason: "invalid_erc20_approval_extension_format" };
  const mismatch = mismatchOf(info, parties);
  if (mismatch !== undefined) return { reason: MISMATCH[mismatch] };
  const transaction = decode(info.signedTransaction);
  if (transaction === undefined || transaction.chainId !== BigInt(parties.chainId))
    return { reason: "erc20_approval_tx_parse_failed" };
  const { to, data, amount, approval } = transaction;
  if (to !== parties.asset) return { reason: "erc20_approval_tx_wrong_target" };
  if (!data.startsWith(APPROVE)) return { reason: "erc20_approval_tx_wrong_selector" };
  if (data.length !== 2 + 2 * 68 || info.amount < parties.permitted)
    return { reason: "erc20_approval_tx_invalid_calldata" };
  if (data.slice(10, 74) !== hexWord(PERMIT2_ADDRESS))
    return { reason: "erc20_approval_tx_wrong_spender" };
  return amount === uintWord(info.amount)
    ? { approval }
    : { reason: "erc20_approval_tx_invalid_calldata" };
}

/** EIP-1559, in its one encoding, without value and access list, with an own signature and little gas. */
function decode(raw: Hex) {
  const encoded = hexToBytes(raw);
  if (encoded[0] !== 2 || encoded.length > MAX_BYTES) return undefined;
  const fields = decodeList(encoded.subarray(1));
  if (fields?.length !== 12) return undefined;
  const [chainId, nonce, tip, maxFee, gas, to, value, data, list, parity, r, s] = fields;
  const numbers = [chainId, nonce, tip, maxFee, gas, parity, r, s].map(uintOf);
  const [id, count, maxPriorityFeePerGas, maxFeePerGas, limit, yParity, rOf, sOf] = numbers;
  if (
    id === undefined ||
    count === undefined ||
    maxPriorityFeePerGas === undefined ||
    maxFeePerGas === undefined ||
    limit === undefined ||
    yParity === undefined ||
    rOf === undefined ||
    sOf === undefined
  )
    return undefined;
  const isPlain = value?.payload?.length === 0 && list?.payload === undefined && list?.size === 1;
  if (!isPlain || to?.payload?.length !== 20 || data?.payload === undefined) return undefined;
  if (
    limit > MAX_GAS ||
    limit < 21_000n ||
    count >= 1n << 53n ||
    maxPriorityFeePerGas > maxFeePerGas
  )
    return undefined;
  const signature: Hex = `0x${uintWord(rOf)}${uintWord(sOf)}${yParity.toString(16).padStart(2, "0")}`;
  const calldata = bytesToHex(data.payload);
  return {
    chainId: id,
    to: bytesToHex(to.payload),
    data: calldata,
    amount: calldata.slice(74),
    approval: {
      raw,
      hash: bytesToHex(keccak_256(encoded)),
      digest: unsignedDigest(encoded.subarray(1), fields.slice(0, 9)),
      data: calldata,
      signature: yParity > 1n ? undefined : parseEcdsa(signature),
      nonce: Number(count),
      gas: limit,
      maxFeePerGas,
    } satisfies Approval,
  };
}

/** What was signed: the list without the signature. */
function unsignedDigest(list: Uint8Array, fields: readonly { from: number; size: number }[]) {
  const [first] = fields;
  const last = fields.at(-1);
  const body = list.subarray(first?.from, (last?.from ?? 0) + (last?.size ?? 0));
  const length = body.length;
  const prefix =
    length < 56
      ? [0xc0 + length]
      : length < 256
        ? [0xf8, length]
        : [0xf9, length >> 8, length & 255];
  return keccak_256(Uint8Array.of(2, ...prefix, ...body));
}
