/**
 * Keccak-256 of short texts, for checksums of addresses: a fourth of the size of the library that hashes what is signed
 * (docs/decisions/0011). State: 25 lanes of 64 bits, each as two 32-bit halves, the low one first (FIPS 202, 3.2, with
 * Keccak's original padding).
 */
const RATE_BYTES = 136;

/** Hash of an ASCII text. */
export function keccakText(text: string): Uint8Array {
  const state = new Int32Array(50);
  const bytes = new Uint8Array(state.buffer);
  let at = 0;
  for (let i = 0; i < text.length; i++) {
    bytes[at]! ^= text.charCodeAt(i);
    if (++at === RATE_BYTES) {
      permute(state);
      at = 0;
    }
  }
  bytes[at]! ^= 1;
  bytes[RATE_BYTES - 1]! ^= 0x80;
  permute(state);
  return bytes.slice(0, 32);
}

/** Keccak-f[1600], on a machine that keeps low bytes first, as all that run JavaScript do. */
function permute(s: Int32Array): void {
  let lfsr = 1;
  const rows = new Int32Array(10);
  const turned = new Int32Array(2);
  /** A lane turned left by a number of bits. */
  const turn = (low: number, high: number, by: number): void => {
    if (by >= 32) [low, high] = [high, low];
    by %= 32;
    turned[0] = by === 0 ? low : (low << by) | (high >>> (32 - by));
    turned[1] = by === 0 ? high : (high << by) | (low >>> (32 - by));
  };
  for (let round = 0; round < 24; round++) {
    // θ
    for (let x = 0; x < 10; x++)
      rows[x] = s[x]! ^ s[x + 10]! ^ s[x + 20]! ^ s[x + 30]! ^ s[x + 40]!;
    for (let x = 0; x < 10; x += 2) {
      const next = (x + 2) % 10;
      turn(rows[next]!, rows[next + 1]!, 1);
      for (let half = 0; half < 2; half++) {
        const change = rows[((x + 8) % 10) + half]! ^ turned[half]!;
        for (let y = 0; y < 50; y += 10) s[x + half + y]! ^= change;
      }
    }
    // ρ and π
    let [x, y, low, high] = [1, 0, s[2]!, s[3]!];
    for (let t = 1; t <= 24; t++) {
      turn(low, high, ((t * (t + 1)) / 2) % 64);
      [x, y] = [y, (2 * x + 3 * y) % 5];
      const at = 2 * (x + 5 * y);
      [low, high] = [s[at]!, s[at + 1]!];
      s.set(turned, at);
    }
    // χ
    for (let row = 0; row < 50; row += 10) {
      rows.set(s.subarray(row, row + 10));
      for (let i = 0; i < 10; i++) s[row + i]! ^= ~rows[(i + 2) % 10]! & rows[(i + 4) % 10]!;
    }
    // ι
    for (let j = 1; j < 128; j *= 2) {
      const bit = j - 1;
      if (lfsr & 1) s[bit >> 5]! ^= 1 << bit;
      lfsr = (lfsr << 1) ^ ((lfsr >> 7) * 0x171);
    }
  }
}
