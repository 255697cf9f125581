/** What `farthing pay` refuses, asks about, and says; the server here takes every payment, or none. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeHeader } from "../../src/core/header.ts";
import { newHome, type WalletHome } from "./wallet-home.ts";

const KEY = `0x${"42".repeat(32)}`;
const PAYEE = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C";
const OTHER_PAYEE = "0x2222222222222222222222222222222222222222";
const HOSTILE = "\u001b[2J\u202eevil\nfarthing: paid";

let url: string;
let payments = 0;
/** Paths whose first reply was cut off. */
const cut = new Set<string>();
const server = createServer((request, response) => {
  const path = request.url ?? "";
  const offer = {
    scheme: "exact",
    network: "eip155:84532",
    amount: "10000",
    asset: "0x036CbD53842c5426634e7929541eC2318f3dCF7e",
    payTo: path.includes("other-payee") ? OTHER_PAYEE : PAYEE,
    maxTimeoutSeconds: 300,
    extra: { name: "USDC", version: "2" },
  };
  const isPaid = request.headers["payment-signature"] !== undefined;
  if (isPaid) payments += 1;
  if (!isPaid || path.includes("reject")) {
    const error = isPaid ? HOSTILE : undefined;
    const demand = { x402Version: 2, error, resource: { url: path }, accepts: [offer] };
    response.writeHead(402, { "PAYMENT-REQUIRED": encodeHeader(demand) }).end();
    return;
  }
  if (path.includes("cut") && !cut.has(path)) {
    cut.add(path);
    response.writeHead(200).write("the rep");
    setTimeout(() => response.destroy(), 50);
    return;
  }
  if (path.includes("silent")) return; // no answer
  const transaction = `0x${"7a".repeat(32)}`;
  const receipt = { success: true, transaction, network: offer.network };
  response
    .writeHead(200, {
      "Content-Type": "text/plain",
      ...(!path.includes("no-receipt") && { "PAYMENT-RESPONSE": encodeHeader(receipt) }),
    })
    .end(`${HOSTILE}\nthe report`);
});

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

/** Runs a command, and tells how many payments the server saw meanwhile. */
async function pay(home: WalletHome, path: string, ...flags: string[]) {
  const before = payments;
  const ended = await home.run(["pay", url + path, ...flags]);
  return { ...ended, payments: payments - before };
}

describe("confirm", () => {
  test("on a terminal: no pays nothing, yes pays, and what is asked can do nothing to it", async () => {
    const home = newHome(KEY);
    const before = payments;
    const path = `${url}/a?${encodeURIComponent(HOSTILE)}`;
    const no = await home.onTerminal(["pay", path, "--confirm"], [[/\[no\]: /, "n"]]);
    expect(no.code).toBe(3);
    expect(no.stdout).toContain("it was not confirmed");
    expect(payments).toBe(before);

    const yes = await home.onTerminal(["pay", path, "--confirm"], [[/\[no\]: /, "yes"]]);
    expect(yes.code).toBe(0);
    for (const part of ["0.01 USDC", "127.0.0.1", "eip155:84532", PAYEE, "GET"])
      expect(yes.stdout.slice(0, yes.stdout.indexOf("[no]"))).toContain(part);
    expect(payments).toBe(before + 1);
    // The body too, since it goes to a terminal.
    expect(yes.stdout).toContain("\\u001b[2J\\u202eevil");
    expect(yes.stdout).toContain("the report");
    for (const part of ["\u001b[2J", "\u202e"]) expect(yes.stdout).not.toContain(part);
  });

  test("without a terminal nothing is paid, unless --yes; cheap ones are not asked about", async () => {
    const home = newHome(KEY);
    const mute = await pay(home, "/a", "--confirm");
    expect(mute).toMatchObject({ code: 3, stdout: "", payments: 0 });
    expect(mute.stderr).toContain("no terminal to ask on: give --yes");
    expect(await pay(home, "/a", "--confirm", "--yes")).toMatchObject({ code: 0, payments: 1 });
    expect(await pay(home, "/a", "--confirm-above", "0.01")).toMatchObject({ code: 0 });
    expect(await pay(home, "/a", "--confirm-above", "$0.009")).toMatchObject({ code: 3 });
  });
});

describe("rules", () => {
  test("hosts, payees that change, addresses of this machine", async () => {
    const home = newHome(KEY);
    const [denied, notAllowed, allowed, local] = await Promise.all([
      pay(home, "/a", "--deny-host", "127.0.0.1"),
      pay(home, "/b", "--allow-host", "*.example.com"),
      pay(home, "/c", "--allow-host", "127.0.0.1", "--pin"),
      pay(home, "/d", "--public-only"),
    ]);
    expect([denied.code, notAllowed.code, allowed.code, local.code]).toEqual([3, 3, 0, 3]);
    expect(denied.stderr).toContain("--deny-host");
    expect(local.stderr).toContain("is an address of this machine");

    const pinned = await pay(home, "/other-payee", "--pin", "--json");
    expect(pinned).toMatchObject({ code: 3, payments: 0 });
    expect(JSON.parse(pinned.stdout)).toMatchObject({
      paid: false,
      error: { code: "payment_refused", rule: "payee_changed" },
    });
  });

  test("a payment that the server does not take is exit 6; its words are escaped", async () => {
    const home = newHome(KEY);
    const rejected = await pay(home, "/reject");
    expect(rejected).toMatchObject({ code: 6, stdout: "", payments: 1 });
    expect(rejected.stderr).toContain("farthing wallet reconcile");
    expect(rejected.stderr).toContain("evil");
    expect(rejected.stderr.trimEnd()).toMatch(/^[\x20-\x7e]*$/);
  });

  test("an answer without a receipt says that it is counted", async () => {
    const { code, stdout, stderr } = await pay(newHome(KEY), "/no-receipt");
    expect(code).toBe(0);
    expect(stdout).toBe(`${HOSTILE}\nthe report`);
    expect(stderr).toContain("no receipt: it is counted as paid");
  });
});

test("a reply that breaks off is exit 5, and the next command gets it with the same payment", async () => {
  const home = newHome(KEY);
  const broken = await pay(home, "/cut", "--json");
  expect(broken).toMatchObject({ code: 5, payments: 1 });
  expect(JSON.parse(broken.stdout)).toMatchObject({
    paid: null,
    error: { code: "payment_uncertain" },
  });
  expect(broken.stderr).toContain("was answered, and the answer broke off");
  const again = await pay(home, "/cut");
  expect(again).toMatchObject({ code: 0, payments: 1 });
  expect(again.stderr).toContain("An earlier command signed 0.01 USDC");
});

test("Ctrl-C while the reply is waited for is exit 5", async () => {
  const home = newHome(KEY);
  const before = payments;
  const waiting = home.start(["pay", `${url}/silent`]);
  await expect.poll(() => payments, { timeout: 10_000 }).toBe(before + 1);
  waiting.child.kill("SIGINT");
  const { code, stderr } = await waiting.ended;
  expect(code).toBe(5);
  expect(stderr).toMatch(/interrupted\n.*run the same command again/);
});

test("-o is opened before anything is paid, for its owner's umask, and left alone otherwise", async () => {
  const home = newHome(KEY);
  const file = join(home.folder, "report.txt");
  mkdirSync(join(home.folder, "folder"));
  const [bad, refused] = await Promise.all([
    pay(home, "/a", "-o", join(home.folder, "folder")),
    pay(home, "/b", "-o", file, "--max-amount", "0.001"),
  ]);
  expect(bad).toMatchObject({ code: 2 });
  expect(refused).toMatchObject({ code: 3 });
  expect(existsSync(file)).toBe(false);
  expect(await pay(home, "/b", "-o", file)).toMatchObject({ code: 0, stdout: "" });
  expect(readFileSync(file, "utf8")).toContain("the report");
  expect(statSync(join(home.folder, "spending.1")).mode & 0o077).toBe(0);
});

test("a dry run signs nothing, sends nothing and writes nothing", async () => {
  const home = newHome();
  const { code, stdout, payments: sent } = await pay(home, "/a", "--dry-run");
  expect({ code, sent }).toEqual({ code: 0, sent: 0 });
  expect(stdout).toContain(`Would pay 0.01 USDC on eip155:84532 to ${PAYEE}`);
  expect(home.texts()).toBe("");
});

test.each([
  { flags: ["--budget", "lots"], says: "dollars" },
  { flags: ["--budget", "5", "--no-history"], says: "leave --no-history out" },
])("$flags is wrong usage", async ({ flags, says }) => {
  const { code, stderr } = await pay(newHome(KEY), "/a", ...flags);
  expect(stderr).toContain(says);
  expect(code).toBe(2);
});
