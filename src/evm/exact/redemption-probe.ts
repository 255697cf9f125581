/**
 * Tries a delegation out in one `eth_call`, as if the sender's address had a program: it redeems once, then once more,
 * and reads the balance of the account that is said to pay before and after the first. The node has to take state
 * overrides.
 */
import type { Call, ChainReader, Hex } from "../../core/scheme.ts";
import { copy, push } from "../program.ts";

export interface Redemptions {
  /** Whether the first, and the second after it, succeeded. */
  readonly once: boolean;
  readonly twice: boolean;
  /** Balance of the account, before and after the first. */
  readonly before: bigint;
  readonly after: bigint;
}

const SCRATCH = 0x80;
/** For the reads, and the intrinsic gas. */
const OVERHEAD_GAS = 400_000n;
const BALANCE_GAS = 100_000n;

/** Nothing when the node did not run the program. @throws X402Error `rpc_unavailable` */
export async function tryRedemption(
  chain: ChainReader,
  sender: Hex,
  redemption: Call,
  balance: Call,
  gas: bigint,
): Promise<Redemptions | undefined> {
  const { ok, data } = await chain.call({
    to: sender,
    data: "0x",
    from: sender,
    gas: OVERHEAD_GAS + (2n * gas * 65n) / 63n,
    code: { address: sender, code: redemptionProbe(redemption, balance, gas) },
    untrusted: true,
  });
  if (!ok || data.length !== 2 + 4 * 64) return undefined;
  const [once, before, after, twice] = [0, 1, 2, 3].map((at) =>
    BigInt(`0x${data.slice(2 + 64 * at, 66 + 64 * at)}`),
  ) as [bigint, bigint, bigint, bigint];
  return { once: once === 1n, twice: twice === 1n, before, after };
}

/** The program, with its data behind it. */
function redemptionProbe(redemption: Call, balance: Call, gas: bigint): Hex {
  const [redeeming, asking] = [redemption.data.slice(2), balance.data.slice(2)];
  const length = program(0, 0).length / 2;
  return `0x${program(length, length + redeeming.length / 2)}${redeeming}${asking}`;

  function program(redeemingAt: number, askingAt: number): string {
    const input = (data: string) => push(3, data.length / 2) + push(1, SCRATCH);
    /** STATICCALL, POP. */
    const read = (to: number) =>
      copy(asking, askingAt, SCRATCH) +
      `${push(1, 32)}${push(1, to)}${input(asking)}${push(20, BigInt(balance.to))}` +
      `${push(4, BALANCE_GAS)}fa50`;
    /** CALL, MSTORE of its success. */
    const redeem = (to: number) =>
      copy(redeeming, redeemingAt, SCRATCH) +
      `${push(1, 0)}${push(1, 0)}${input(redeeming)}${push(1, 0)}` +
      `${push(20, BigInt(redemption.to))}${push(4, gas)}f1${push(1, to)}52`;
    const end = `${push(1, 0x80)}${push(1, 0)}f3`; // RETURN
    return read(0x20) + redeem(0) + read(0x40) + redeem(0x60) + end;
  }
}
