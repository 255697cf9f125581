/** Whose money it is: the key in the environment, or a locked one in a file. */
import { readFileSync } from "node:fs";
import { privateKeyToAccount } from "viem/accounts";
import type { Hex } from "../src/core/scheme.ts";
import type { EvmSigner } from "../src/evm/index.ts";
import { UsageError } from "./exit.ts";
import { cannot, keystorePath, warnIfReadable } from "./home.ts";
import { readKeystore, type LockedKey } from "./keystore.ts";
import { askSecret, hasTerminal } from "./prompt.ts";

export interface KeyOptions {
  readonly keystore?: string;
  readonly passwordFile?: string;
}

export const KEY_HELP = `  EVM_PRIVATE_KEY      key of the account that pays; used before the default keystore, not before --keystore
  FARTHING_PASSWORD    password of the keystore; without it and --password-file the terminal asks
  FARTHING_HOME        folder of the wallet (default $XDG_DATA_HOME/farthing if that is set, else ~/.farthing)`;

/** The account that signs; a password is asked for at once if a person has to type it, else when something is signed. */
export async function openAccount(options: KeyOptions): Promise<EvmSigner> {
  const found = findKey(options);
  if (found === undefined)
    throw new UsageError(
      `EVM_PRIVATE_KEY is missing, and ${keystorePath()} is not there: set it to the key that pays, or make one with farthing wallet create`,
    );
  if ("privateKey" in found) return privateKeyToAccount(found.privateKey);
  const { address } = found;
  const given = givenPassword(options);
  if (address === undefined || given === undefined)
    return privateKeyToAccount(found.unlock(given ?? (await typedPassword(found))).privateKey);
  return {
    address,
    signTypedData: (typedData) =>
      privateKeyToAccount(found.unlock(given).privateKey).signTypedData(typedData),
  };
}

/** The address, for which a password is needed only if the file does not say it; nothing when there is no key. */
export async function openAddress(options: KeyOptions): Promise<Hex | undefined> {
  const found = findKey(options);
  if (found === undefined) return undefined;
  if ("privateKey" in found) return privateKeyToAccount(found.privateKey).address;
  if (found.address !== undefined) return found.address;
  return found.unlock(givenPassword(options) ?? (await typedPassword(found))).address;
}

function findKey({ keystore }: KeyOptions): { readonly privateKey: Hex } | LockedKey | undefined {
  if (keystore !== undefined) {
    const found = readKeystore(keystore);
    if (found === undefined) throw new UsageError(`--keystore ${keystore}: there is no such file`);
    return found;
  }
  const key = process.env["EVM_PRIVATE_KEY"] ?? "";
  return key === ""
    ? readKeystore(keystorePath())
    : { privateKey: parseKey(key, "EVM_PRIVATE_KEY") };
}

/** @throws UsageError, which does not say what it was. */
export function parseKey(text: string, name: string): Hex {
  const key = text.startsWith("0x") ? text : `0x${text}`;
  try {
    if (!/^0x[0-9a-fA-F]{64}$/.test(key)) throw new TypeError("no key");
    privateKeyToAccount(key as Hex);
    return key as Hex;
  } catch {
    throw new UsageError(`${name} must be a private key: 0x and 64 hex digits`);
  }
}

/** From `--password-file` (its first line) or the environment. */
export function givenPassword({ passwordFile }: KeyOptions): string | undefined {
  if (passwordFile === undefined) return process.env["FARTHING_PASSWORD"];
  try {
    const [line = ""] = readFileSync(passwordFile, "utf8").split(/\r?\n/);
    warnIfReadable(passwordFile);
    return line;
  } catch (error) {
    throw cannot("read", passwordFile, error);
  }
}

async function typedPassword({ file }: LockedKey): Promise<string> {
  assertTerminal(file);
  return await askSecret(`Password of ${file}: `);
}

/** A password for a new file, typed twice. */
export async function newPassword(options: KeyOptions, file: string): Promise<string> {
  let password = givenPassword(options);
  if (password === undefined) {
    assertTerminal(file);
    password = await askSecret(`New password of ${file}: `);
    if ((await askSecret("The same again: ")) !== password)
      throw new UsageError("the two passwords are not the same; nothing was written");
  }
  if (password.length < 8)
    throw new UsageError("the password has to have 8 characters or more; nothing was written");
  return password;
}

function assertTerminal(file: string): void {
  if (hasTerminal()) return;
  throw new UsageError(
    `${file} needs a password, and there is no terminal to ask on: set FARTHING_PASSWORD, or give --password-file`,
  );
}
