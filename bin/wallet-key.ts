/** `farthing wallet create`, `import` and `address`. */
import { existsSync } from "node:fs";
import { text } from "node:stream/consumers";
import { generatePrivateKey } from "viem/accounts";
import type { Hex } from "../src/core/scheme.ts";
import { UsageError } from "./exit.ts";
import { keystorePath, writeNew } from "./home.ts";
import { newPassword, openAddress, parseKey, type KeyOptions } from "./key.ts";
import { lockKey } from "./keystore.ts";
import { askSecret, hasTerminal } from "./prompt.ts";
import { escaped, print } from "./text.ts";

export async function createKey(options: KeyOptions): Promise<void> {
  await writeKey(options, generatePrivateKey);
}

export async function importKey(options: KeyOptions): Promise<void> {
  await writeKey(options, async () => {
    const key = process.env["EVM_PRIVATE_KEY"] ?? "";
    if (key !== "") return parseKey(key, "EVM_PRIVATE_KEY");
    const typed = hasTerminal() ? await askSecret("Private key: ") : await text(process.stdin);
    return parseKey(typed.trim(), "what was given on standard input");
  });
}

async function writeKey(options: KeyOptions, makeKey: () => Hex | Promise<Hex>): Promise<void> {
  const file = options.keystore ?? keystorePath();
  if (existsSync(file))
    throw new UsageError(`${file} is there already: give another file with --keystore`);
  const key = await makeKey();
  const password = await newPassword(options, file);
  const { text: locked, address } = lockKey(key, password);
  writeNew(file, locked);
  print(`Address  ${address}\nKey      ${escaped(file)}, locked with your password\n`);
  print("Keep a copy of the file and the password: without both, what the address owns is lost.\n");
}

export async function showAddress(options: KeyOptions): Promise<void> {
  const address = await openAddress(options);
  if (address === undefined)
    throw new UsageError(
      `there is no key: set EVM_PRIVATE_KEY, or make ${keystorePath()} with farthing wallet create`,
    );
  print(`${address}\n`);
}
