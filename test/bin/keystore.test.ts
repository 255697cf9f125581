/** Files of Web3 Secret Storage; the vectors are those of its specification and of geth. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as Keystore from "ox/Keystore";
import { describe, expect, test } from "vitest";
import { lockKey, readKeystore } from "../../bin/keystore.ts";
import { newHome } from "./wallet-home.ts";

const SECRET = "0x7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d";
const home = newHome();

function fileWith(content: unknown): string {
  const file = join(home.folder, `${crypto.randomUUID()}.json`);
  const text = typeof content === "string" ? content : JSON.stringify(content);
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

const PBKDF2 = {
  crypto: {
    cipher: "aes-128-ctr",
    cipherparams: { iv: "6087dab2f9fdbbfaddc31a909735c1e6" },
    ciphertext: "5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
    kdf: "pbkdf2",
    kdfparams: {
      c: 262144,
      dklen: 32,
      prf: "hmac-sha256",
      salt: "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd",
    },
    mac: "517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2",
  },
  id: "3198bc9c-6672-5ab3-d995-4942343ae5b6",
  version: 3,
};

const SCRYPT = {
  ...PBKDF2,
  crypto: {
    cipher: "aes-128-ctr",
    cipherparams: { iv: "83dbcc02d8ccb40e466191a123791e0e" },
    ciphertext: "d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c",
    kdf: "scrypt",
    kdfparams: {
      dklen: 32,
      n: 262144,
      r: 1,
      p: 8,
      salt: "ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19",
    },
    mac: "2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097",
  },
};

/** geth's, with r of 8, an address, and no password. */
const GETH = {
  address: "45dea0fb0bba44f4fcf290bba71fd57d7117cbb8",
  crypto: {
    cipher: "aes-128-ctr",
    ciphertext: "b87781948a1befd247bff51ef4063f716cf6c2d3481163e9a8f42e1f9bb74145",
    cipherparams: { iv: "dc4926b48a105133d2f16b96833abf1e" },
    kdf: "scrypt",
    kdfparams: {
      dklen: 32,
      n: 2,
      p: 1,
      r: 8,
      salt: "004244bbdc51cadda545b1cfa43cff9ed2ae88e08c61f1479dbb45410722f8f0",
    },
    mac: "39990c1684557447940d4c69e06b1b82b2aceacb43f284df65c956daf3046b85",
  },
  id: "ce541d8d-c79b-40f8-9f8c-20f59616faba",
  version: 3,
};

describe("reading", () => {
  test.each([
    ["pbkdf2", PBKDF2],
    ["scrypt", SCRYPT],
  ])("the specification's vector: %s", (_, content) => {
    const found = readKeystore(fileWith(content));
    expect(found?.address).toBeUndefined();
    expect(found?.unlock("testpassword").privateKey).toBe(SECRET);
  });

  test("geth's: the address is known without the password, and proven by it", () => {
    const found = readKeystore(fileWith(GETH));
    expect(found?.address?.toLowerCase()).toBe(`0x${GETH.address}`);
    expect(found?.unlock("").address).toBe(found?.address);
    const lying = readKeystore(fileWith({ ...GETH, address: "11".repeat(20) }));
    expect(() => lying?.unlock("")).toThrow("holds the key of");
    const capital = readKeystore(fileWith({ version: 3, Crypto: GETH.crypto }));
    expect(capital?.unlock("").address).toBe(found?.address);
  });

  test("one as cast wallet writes them: scrypt of 8192, 8, 1, without an address", () => {
    const [key, options] = Keystore.scrypt({ password: "test", n: 8192, r: 8, p: 1 });
    const file = fileWith(Keystore.encrypt(SECRET, key, options));
    expect(readKeystore(file)?.unlock("test").privateKey).toBe(SECRET);
  });

  test("what is made here opens again", () => {
    const { text, address } = lockKey(SECRET, "correct horse");
    expect(text).not.toContain(SECRET.slice(2));
    const found = readKeystore(fileWith(text));
    expect(found?.address).toBe("0x008AeEda4D805471dF9b2A5B0f38A0C3bCBA786b");
    expect(found?.unlock("correct horse")).toEqual({ privateKey: SECRET, address });
  });

  test.each([
    ["no JSON", "{", "is no keystore of version 3"],
    ["another version", { ...GETH, version: 1 }, "version must be 3"],
    ["no crypto", { version: 3 }, "crypto"],
    ["another cipher", { ...GETH, crypto: { ...GETH.crypto, cipher: "rot13" } }, "aes-128-ctr"],
    ["another kdf", { ...GETH, crypto: { ...GETH.crypto, kdf: "argon2" } }, "scrypt or pbkdf2"],
    [
      "too much memory",
      { ...GETH, crypto: { ...GETH.crypto, kdfparams: { ...GETH.crypto.kdfparams, n: 2 ** 23 } } },
      "512 MiB",
    ],
    ["a list", [], "is no keystore"],
  ])("%s is refused with its field", (_, content, says) => {
    expect(() => readKeystore(fileWith(content))).toThrow(says);
  });

  test("a wrong password and a damaged file are told alike", () => {
    expect(() => readKeystore(fileWith(GETH))?.unlock("wrong")).toThrow("the password is wrong");
    const damaged = { ...GETH, crypto: { ...GETH.crypto, ciphertext: "00".repeat(32) } };
    expect(() => readKeystore(fileWith(damaged))?.unlock("")).toThrow("or the file is damaged");
  });

  test("no file is nothing", () => {
    expect(readKeystore(join(home.folder, "none.json"))).toBeUndefined();
  });
});
