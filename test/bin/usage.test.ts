import { describe, expect, test } from "vitest";
import { newHome } from "./wallet-home.ts";

const KEY = `0x${"11".repeat(32)}`;
const { run: farthing } = newHome();

describe("help and wrong usage", () => {
  test.each([[], ["dev"], ["facilitator"], ["pay"], ["wallet"], ["wallet", "budget", "set"]])(
    "farthing %s --help explains itself",
    async (...command) => {
      const { code, stdout } = await farthing([...command, "--help"]);
      expect(code).toBe(0);
      expect(stdout).toContain("Usage: farthing");
    },
  );

  test.each([
    { args: ["sell"], says: "unknown command" },
    { args: ["pay"], says: "missing required argument 'url'" },
    { args: ["pay", "ftp://example.com"], says: "http or https URL" },
    { args: ["pay", "http://127.0.0.1:9", "--max-amount", "lots"], says: "dollars" },
    { args: ["pay", "http://127.0.0.1:9"], says: "EVM_PRIVATE_KEY is missing" },
    { args: ["wallet", "sell"], says: "too many arguments" },
    { args: ["wallet", "budget", "set", "lots"], says: "dollars" },
    { args: ["wallet", "budget", "set", "5", "--per", "40d"], says: "the longest" },
    { args: ["wallet", "budget", "remove", "1"], says: "there is no budget 1" },
    { args: ["wallet", "address"], says: "farthing wallet create" },
    { args: ["dev", "--twice"], says: "unknown option" },
  ])("farthing $args is wrong usage: exit 2", async ({ args, says }) => {
    const { code, stderr, stdout } = await farthing(args);
    expect(stderr).toContain(says);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  });

  test("a key that is none is not printed", async () => {
    const { code, stderr } = await farthing(["pay", "http://127.0.0.1:9"], {
      EVM_PRIVATE_KEY: "0xsecret",
    });
    expect(code).toBe(2);
    expect(stderr).not.toContain("secret");
  });

  test("nobody listening is exit 1, in one line", async () => {
    const { code, stderr } = await farthing(["pay", "http://127.0.0.1:9/"], {
      EVM_PRIVATE_KEY: KEY,
    });
    expect(code).toBe(1);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });
});
