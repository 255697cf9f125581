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

/** Half a lane (the low one at an even place) of the lane turned left by a number of bits; shifts count modulo 32. */
const turned = (lanes: Int32Array, at: number, by: number): number => {
  const half = at ^ (by >> 5);
  return (lanes[half]! << by) | ((lanes[half ^ 1]! >>> 1) >>> ~by);
};

/** Keccak-f[1600], on a machine that keeps low bytes first, as all that run JavaScript do. */
function permute(s: Int32Array): void {
  let lfsr = 1;
  const columns = new Int32Array(10);
  const moved = new Int32Array(50);
  for (let round = 0; round < 24; round++) {
    // θ
    for (let i = 0; i < 10; i++)
      columns[i] = s[i]! ^ s[i + 10]! ^ s[i + 20]! ^ s[i + 30]! ^ s[i + 40]!;
    for (let i = 0; i < 50; i++) s[i]! ^= columns[(i + 8) % 10]! ^ turned(columns, (i + 2) % 10, 1);
    // ρ and π
    moved.set(s);
    for (let t = 1, x = 1, y = 0; t <= 24; t++) {
      const from = 2 * (x + 5 * y);
      [x, y] = [y, (2 * x + 3 * y) % 5];
      for (let half = 0; half < 2; half++)
        moved[2 * (x + 5 * y) + half] = turned(s, from + half, ((t * (t + 1)) / 2) % 64);
    }
    // χ
    for (let i = 0; i < 50; i++) {
      const row = i - (i % 10);
      s[i] = moved[i]! ^ (~moved[row + ((i + 2) % 10)]! & moved[row + ((i + 4) % 10)]!);
    }
    // ι
    for (let j = 1; j < 128; j *= 2) {
      const bit = j - 1;
      if (lfsr & 1) s[bit >> 5]! ^= 1 << bit;
      lfsr = (lfsr << 1) ^ ((lfsr >> 7) * 0x171);
    }
  }
}
