/**
 * Asks a wallet about a signature (ERC-1271) in one `eth_call` without a contract of ours: the call "deploys" a program,
 * whose would-be code is its answer. So the wallet is called by an address that owns nothing, with the gas that it is
 * given and no more, and all that it can answer is one word: what it returns beyond that is never copied.
 */
import type { Call, ChainReader, Hex } from "../core/scheme.ts";
import { hexWord, uintWord } from "../core/hex.ts";
import { copy, push } from "./program.ts";

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
    const look = `${target}3b80${push(1, 0)}52`; // EXTCODESIZE, DUP1, MSTORE at 0
    const copyQuestion = copy(question, questionAt, SCRATCH);
    const output = push(1, 32) + push(1, 0x60);
    const input = push(3, question.length / 2) + push(1, SCRATCH);
    return [
      look,
      deployment === undefined ? "50" : make(look.length / 2, deployment, makingAt), // POP
      copyQuestion,
      `${output}${input}${target}${push(4, gas)}fa`, // STATICCALL
      `${push(1, 0x20)}52`, // MSTORE of success
      `3d${push(1, 0x40)}52`, // RETURNDATASIZE, MSTORE
      `${push(1, 0x80)}${push(1, 0)}f3`, // RETURN
    ].join("");
  }

  /** Jumps over the making of a wallet that is there. */
  function make(at: number, { to, gas: most }: Call & { gas: bigint }, makingAt: number): string {
    const nothing = push(1, 0) + push(1, 0);
    const input = push(3, making.length / 2) + push(1, SCRATCH);
    const called = `${nothing}${input}${push(1, 0)}${push(20, BigInt(to))}${push(4, most)}`;
    const code = `${copy(making, makingAt, SCRATCH)}${called}f150`; // CALL, POP
    const end = at + 4 + code.length / 2; // behind PUSH2 and JUMPI
    return `${push(2, end)}57${code}5b`; // JUMPI … JUMPDEST
  }
}
