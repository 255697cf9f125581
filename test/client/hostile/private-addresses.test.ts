import { describe, expect, test } from "vitest";
import { refusePrivateAddresses } from "../../../src/client/index.ts";
import { internet, REFUSED } from "./internet.ts";
import { outcomeOf } from "./meter.ts";

const refuses = async (url: string, addresses?: readonly string[]) => {
  const { base, asked } = await internet();
  const resolve = addresses && { resolve: () => Promise.resolve(addresses) };
  const outcome = await outcomeOf(refusePrivateAddresses(base, resolve)(url));
  expect(asked).toHaveLength(outcome instanceof Response ? 1 : 0);
  if (!(outcome instanceof Response)) expect(outcome).toMatchObject(REFUSED);
  return !(outcome instanceof Response);
};

describe("an address of this machine or of a private network is refused, however it is written", () => {
  test.each([
    "127.0.0.1",
    "127.1",
    "0x7f.1",
    "0x7f000001",
    "2130706433",
    "017700000001",
    "0177.0.0.01",
    "127.0.0.1.",
    "①②⑦.⓪.⓪.①",
    "127。0。0。1",
    "%31%32%37.0.0.1",
    "0",
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.19.255.255",
    "203.0.113.1",
    "224.0.0.1",
    "255.255.255.255",
    "[::]",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::ffff:a9fe:a9fe]",
    "[::127.0.0.1]",
    "[::ffff:0:127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b::10.0.0.1]",
    "[64:ff9b:1::8.8.8.8]",
    "[64:ff9b:1:7f00:1:0:808:808]",
    "[2002:7f00:1::]",
    "[2002:a00:1::1]",
    "[2001:db8::1]",
    "[2001::1]",
    "[3fff::1]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[fe80::1]",
    "[fec0::1]",
    "[ff02::1]",
    "[100::1]",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "localhost..",
    "ⓛocalhost",
    "a.localhost",
    "localhost.localdomain",
    "router",
    "router.lan",
    "printer.local",
    "metadata.google.internal",
    "metadata.google.internal.",
    "x.home.arpa",
    "x.test",
    "user:pass@127.0.0.1",
    "127.0.0.1:80",
  ])("http://%s/", async (host) => {
    expect(await refuses(`http://${host}/`)).toBe(true);
  });

  test.each(["file:///etc/passwd", "data:text/plain,x", "https:127.0.0.1", "http:\\\\127.0.0.1\\"])(
    "%s",
    async (url) => {
      expect(await refuses(url)).toBe(true);
    },
  );

  test.each([
    "8.8.8.8",
    "1.1.1.1",
    "172.32.0.1",
    "192.1.2.3",
    "[2606:4700::1111]",
    "[::ffff:8.8.8.8]",
    "[64:ff9b::8.8.8.8]",
    "[2002:808:808::1]",
    "example.com",
    "example.com.",
    "local.example.com",
    "localhost.example.com",
    "10.example.com",
    "xn--mnchen-3ya.de",
  ])("and http://%s/ is not", async (host) => {
    expect(await refuses(`http://${host}/`)).toBe(false);
  });
});

describe("what a name resolves to", () => {
  test.each<[readonly string[], boolean]>([
    [["93.184.216.34"], false],
    [["2606:4700::1111", "93.184.216.34"], false],
    [["93.184.216.34", "127.0.0.1"], true],
    [["::1"], true],
    [["::ffff:10.0.0.1"], true],
    [["FE80::1%eth0"], true],
    [["0:0:0:0:0:FFFF:7F00:0001"], true],
    [["fd00::1"], true],
    [["not an address"], true],
    [[""], true],
    [["127.1"], true],
    [["8.8.8.8, 127.0.0.1"], true],
    [["256.1.1.1"], true],
    [["2606::1::1"], true],
    [["2606:zzzz::1"], true],
  ])("%j", async (addresses, isPrivate) => {
    expect(await refuses("http://example.com/", addresses)).toBe(isPrivate);
  });

  test("when it cannot be resolved is the resolver's error", async () => {
    const { base, asked } = await internet();
    const error = new Error("ENOTFOUND");
    const safe = refusePrivateAddresses(base, { resolve: () => Promise.reject(error) });
    expect(await outcomeOf(safe("http://example.com/"))).toBe(error);
    expect(asked).toEqual([]);
  });
});
