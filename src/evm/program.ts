/** Pieces of EVM programs, as hex digits. They run in an `eth_call` only. */

/** PUSH1 to PUSH20 of a number. */
export function push(bytes: number, value: bigint | number): string {
  return (0x5f + bytes).toString(16) + value.toString(16).padStart(2 * bytes, "0");
}

/** CODECOPY of data that stands at an offset of the program, to memory. */
export function copy(data: string, at: number, to: number): string {
  return `${push(3, data.length / 2)}${push(3, at)}${push(2, to)}39`;
}
