import { MULTICALL3_ADDRESS } from "../../contracts-abi/multicall3.ts";
import type { Call } from "../core/scheme.ts";
import { hexWord, uintWord } from "../core/hex.ts";

/** `aggregate3((address target, bool allowFailure, bytes callData)[])` */
const AGGREGATE3 = "0x82ad56cb";

/**
 * One call, through Multicall3, that first lets a factory make a wallet and then makes a call that needs it. So nothing
 * that a payer chose is called by the key that pays the gas. The factory may fail, for the wallet may be there already;
 * if the call fails, everything does.
 */
export function deployAndCall(deployment: Call, call: Call): Call {
  const tuples = [tuple(deployment, true), tuple(call, false)];
  const second = 64 + tuples[0]!.length / 2;
  const array = uintWord(2) + uintWord(64) + uintWord(second) + tuples.join("");
  return { to: MULTICALL3_ADDRESS, data: `${AGGREGATE3}${uintWord(32)}${array}` };
}

function tuple({ to, data }: Call, mayFail: boolean): string {
  const bytes = data.slice(2);
  const padding = "0".repeat((64 - (bytes.length % 64)) % 64);
  return (
    hexWord(to) +
    uintWord(mayFail ? 1 : 0) +
    uintWord(96) +
    uintWord(bytes.length / 2) +
    bytes +
    padding
  );
}
