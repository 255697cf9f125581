/** One list of RLP, strictly: every item in its shortest form, and nothing after the list. */
export interface RlpItem {
  /** Where it begins, and how many bytes it takes with its prefix. */
  readonly from: number;
  readonly size: number;
  /** Bytes of a string; nothing for a list. */
  readonly payload: Uint8Array | undefined;
}

/** The items of a list; nothing when it is none, or not in its one form. */
export function decodeList(bytes: Uint8Array): readonly RlpItem[] | undefined {
  const list = headAt(bytes, 0);
  if (list === undefined || !list.isList || list.end !== bytes.length) return undefined;
  const items: RlpItem[] = [];
  for (let at = list.start; at < list.end;) {
    const item = headAt(bytes, at);
    if (item === undefined || item.end > list.end) return undefined;
    const payload = item.isList ? undefined : bytes.subarray(item.start, item.end);
    items.push({ from: at, size: item.end - at, payload });
    at = item.end;
  }
  return items;
}

/** An unsigned integer of at most 32 bytes, without leading zeros. */
export function uintOf(item: RlpItem | undefined): bigint | undefined {
  const { payload } = item ?? {};
  if (payload === undefined || payload.length > 32 || payload[0] === 0) return undefined;
  return payload.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

function headAt(
  bytes: Uint8Array,
  at: number,
): { isList: boolean; start: number; end: number } | undefined {
  const first = bytes[at];
  if (first === undefined) return undefined;
  if (first < 0x80) return { isList: false, start: at, end: at + 1 };
  const isList = first >= 0xc0;
  const short = first - (isList ? 0xc0 : 0x80);
  if (short < 56) {
    const end = at + 1 + short;
    const single = bytes[at + 1] ?? 0;
    if (end > bytes.length || (!isList && short === 1 && single < 0x80)) return undefined;
    return { isList, start: at + 1, end };
  }
  const width = short - 55;
  const digits = bytes.subarray(at + 1, at + 1 + width);
  if (width > 2 || digits.length < width || digits[0] === 0) return undefined;
  const length = digits.reduce((sum, byte) => 256 * sum + byte, 0);
  const start = at + 1 + width;
  return length < 56 || start + length > bytes.length
    ? undefined
    : { isList, start, end: start + length };
}
