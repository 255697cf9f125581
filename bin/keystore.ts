/** Keys in files of the form Web3 Secret Storage, version 3, which geth, foundry and others write too. */
import { readFileSync } from "node:fs";
import * as Keystore from "ox/Keystore";
import { privateKeyToAccount } from "viem/accounts";
import * as z from "zod";
import { parseAddress, checksumAddress } from "../src/evm/address.ts";
import type { Hex } from "../src/core/scheme.ts";
import { UsageError } from "./exit.ts";
import { cannot, isMissing, warnIfReadable } from "./home.ts";

/** Memory that a file may ask for: twice what geth's standard takes. */
const MAX_SCRYPT_BYTES = 512 * 1024 * 1024;
/** Cost of files that are made here: 128 MiB, and most of a second. */
const COST = { n: 131_072, r: 8, p: 1 };

const hex = (bytes?: number) =>
  z
    .string()
    .regex(/^(?:[0-9a-fA-F]{2})+$/, "must be hex digits")
    .refine((text) => bytes === undefined || text.length === 2 * bytes, `must have ${bytes} bytes`);
const whole = (most: number) => z.int("must be a whole number").min(1).max(most);

const Cipher = {
  cipher: z.literal("aes-128-ctr", "must be aes-128-ctr"),
  cipherparams: z.object({ iv: hex(16) }),
  ciphertext: hex().refine((text) => text.length <= 64, "must have 32 bytes"),
  mac: hex(32),
};
const dklen = z.literal(32, "must be 32");

const File = z.object({
  version: z.literal(3, "must be 3"),
  // With or without 0x; files of foundry have none.
  address: z.string().optional(),
  crypto: z.discriminatedUnion(
    "kdf",
    [
      z.object({
        ...Cipher,
        kdf: z.literal("scrypt"),
        kdfparams: z
          .object({ dklen, n: whole(2 ** 24), r: whole(1024), p: whole(64), salt: hex() })
          .refine(
            ({ n, r, p }) => 128 * r * (n + p) <= MAX_SCRYPT_BYTES,
            "would take more than 512 MiB of memory",
          )
          .refine(({ n }) => n > 1 && Number.isInteger(Math.log2(n)), "n must be a power of two"),
      }),
      z.object({
        ...Cipher,
        kdf: z.literal("pbkdf2"),
        kdfparams: z.object({
          dklen,
          c: whole(10_000_000),
          prf: z.literal("hmac-sha256", "must be hmac-sha256"),
          salt: hex(),
        }),
      }),
    ],
    "kdf must be scrypt or pbkdf2",
  ),
});

/** A key that is still locked. */
export interface LockedKey {
  readonly file: string;
  /** As the file says; nothing when it does not. */
  readonly address: Hex | undefined;
  /** @throws UsageError for a wrong password. */
  unlock(password: string): { readonly privateKey: Hex; readonly address: Hex };
}

/** @returns nothing when there is no such file. @throws UsageError for one that cannot be used. */
export function readKeystore(file: string): LockedKey | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw cannot("read", file, error);
  }
  warnIfReadable(file);
  const parsed = File.safeParse(parse(text));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue === undefined || issue.path.length === 0 ? "" : `: ${issue.path.join(".")}`;
    throw new UsageError(
      `${file} is no keystore of version 3 (Web3 Secret Storage)${where} ${issue?.message ?? ""}; make one with farthing wallet create, or give another with --keystore`,
    );
  }
  const { data } = parsed;
  const said = data.address === undefined ? undefined : addressOf(data.address);
  return {
    file,
    address: said,
    unlock(password) {
      const privateKey = decrypt(data, password, file);
      const { address } = privateKeyToAccount(privateKey);
      if (said !== undefined && said !== address)
        throw new UsageError(`${file} says that it is of ${said}, and holds the key of ${address}`);
      return { privateKey, address };
    },
  };
}

/** The text of a file that holds this key, locked with this password. */
export function lockKey(privateKey: Hex, password: string): { text: string; address: Hex } {
  const [key, options] = Keystore.scrypt({ password, ...COST });
  const { address } = privateKeyToAccount(privateKey);
  const keystore = Keystore.encrypt(privateKey, key, options);
  const named = { address: address.slice(2).toLowerCase(), ...keystore };
  return { text: `${JSON.stringify(named, null, 2)}\n`, address };
}

function decrypt({ crypto }: z.infer<typeof File>, password: string, file: string): Hex {
  const keystore = { crypto, id: "", version: 3 } as Keystore.Keystore;
  // Not toKeyAsync: ox 0.14 leaves r and p out there.
  const key = Keystore.toKey(keystore, { password });
  try {
    // Old files leave leading zeros out.
    return `0x${Keystore.decrypt(keystore, key).slice(2).padStart(64, "0")}`;
  } catch {
    throw new UsageError(`${file}: the password is wrong, or the file is damaged`);
  }
}

/** Names in lower case at the top: some tools write `Crypto`. */
function parse(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key.toLowerCase(), item]),
    );
  } catch {
    return undefined;
  }
}

function addressOf(text: string): Hex | undefined {
  const address = parseAddress(text.startsWith("0x") ? text : `0x${text}`);
  return address === undefined ? undefined : checksumAddress(address);
}
