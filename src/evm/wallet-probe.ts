/**
 * Asks a wallet about a signature (ERC-1271) in one `eth_call` without a contract of ours: the call "deploys" a program,
 * whose would-be code is its answer. So the wallet is called by an address that owns nothing, with the gas that it is
 * given and no more, and all that it can answer is one word: what it returns beyond that is never copied.
 */
import type { Call, ChainReader, Hex } from "../core/scheme.ts";
import { hexWord, uintWord } from "../core/hex.ts";

export interface WalletQuestion {
  readonly wallet: Hex;
  /** 32 bytes that were signed. */
  readonly digest: Hex;
  readonly signature: Hex;
  /** Gas that the wallet may use. */
  readonly gas: bigint;
  /** Made before, if there is no code at the wallet's address. */
  readonly deployment?: (Call & { readonly gas: bigint }) | undefined;
}

export interface WalletAnswer {
  /** Whether there was code at its address already. */
  readonly deployed: boolean;
  /** Whether it answered ERC-1271's yes, exactly. */
  readonly valid: boolean;
}

/** `isValidSignature(bytes32,bytes)`, and the yes: the selector as a `bytes4`. */
const IS_VALID_SIGNATURE = "1626ba7e";
const YES = IS_VALID_SIGNATURE.padEnd(64, "0");

/** Who asks: an address without a key, so that the sender tells a wallet nothing. */
const NOBODY: Hex = "0xfa27000000000000000000000000000000000000";
/** Creation, calldata and the answer's deposit, whatever the wallet does. */
const OVERHEAD_GAS = 250_000n;
/** Where calldata is put together in memory: behind the four words of the answer. */
const SCRATCH = 0x80;

/** @throws X402Error `rpc_unavailable` */
export async function askWallet(
  chain: ChainReader,
  question: WalletQuestion,
): Promise<WalletAnswer> {
  const { gas, deployment } = question;
  const { ok, data } = await chain.call({
    data: walletProbe(question),
    from: NOBODY,
    gas: OVERHEAD_GAS + ((gas + (deployment?.gas ?? 0n)) * 65n) / 63n,
    untrusted: true,
  });
  // A node that runs out of gas or time has not found a valid signature.
  if (!ok || data.length !== 2 + 4 * 64) return { deployed: true, valid: false };
  const [codeSize, success, size, answer] = [0, 1, 2, 3].map((at) =>
    data.slice(2 + 64 * at, 66 + 64 * at),
  );
  return {
    deployed: codeSize !== uintWord(0),
    valid: success === uintWord(1) && size === uintWord(32) && answer === YES,
  };
}

/** The program, with its data behind it. Answers code size before, success, size of what was returned, its first word. */
export function walletProbe({ wallet, digest, signature, gas, deployment }: WalletQuestion): Hex {
  const bytes = signature.slice(2);
  const padding = "0".repeat((64 - (bytes.length % 64)) % 64);
  const question =
    IS_VALID_SIGNATURE +
    hexWord(digest) +
    uintWord(64) +
    uintWord(bytes.length / 2) +
    bytes +
    padding;
  const making = deployment?.data.slice(2) ?? "";
  // The offsets take three bytes whatever they are, so a first draft has the program's length.
  const draft = program(0, 0);
  const length = draft.length / 2;
  return `0x${program(length, length + question.length / 2)}${question}${making}`;

  function program(questionAt: number, makingAt: number): string {
    const target = push(20, BigInt(wallet));
    const code = [target, "3b", "80", push(1, 0), "52"]; // EXTCODESIZE, DUP1, MSTORE at 0
    if (deployment === undefined) {
      code.push("50"); // POP
    } else {
      const size = making.length / 2;
      const make = [
        ...[push(3, size), push(3, makingAt), push(1, SCRATCH), "39"], // CODECOPY
        ...[push(1, 0), push(1, 0), push(3, size), push(1, SCRATCH), push(1, 0)],
        ...[push(20, BigInt(deployment.to)), push(4, deployment.gas), "f1", "50"], // CALL, POP
      ].join("");
      const before = code.join("").length / 2 + 4; // with PUSH2 and JUMPI
      code.push(push(2, before + make.length / 2), "57", make, "5b"); // JUMPI … JUMPDEST
    }
    const size = question.length / 2;
    code.push(
      ...[push(3, size), push(3, questionAt), push(1, SCRATCH), "39"], // CODECOPY
      ...[push(1, 32), push(1, 0x60), push(3, size), push(1, SCRATCH), target],
      ...[push(4, gas), "fa"], // STATICCALL; its answer at 0x60
      ...[push(1, 0x20), "52"], // MSTORE of success
      ...["3d", push(1, 0x40), "52"], // RETURNDATASIZE, MSTORE
      ...[push(1, 0x80), push(1, 0), "f3"], // RETURN
    );
    return code.join("");
  }
}

/** PUSH1 to PUSH20 of a number. */
function push(bytes: number, value: bigint | number): string {
  return (0x5f + bytes).toString(16) + value.toString(16).padStart(2 * bytes, "0");
}
