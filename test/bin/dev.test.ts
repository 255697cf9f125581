import { expect, test } from "vitest";
import { FARTHING, farthing, start } from "../setup/command.ts";
import { newHome } from "./wallet-home.ts";

test("dev --once tells the story of one settled payment and ends", async () => {
  const { code, stdout, stderr } = await farthing(["dev", "--once"]);
  expect(stderr).toBe("");
  expect(code).toBe(0);
  expect(stdout).toMatch(/402: pay 0\.01 USDC/);
  expect(stdout).toMatch(/Settled {7}transaction 0x[0-9a-f]{64}/);
  expect(stdout).toMatch(/After {9}payer 999\.99 USDC, payee 0\.01 USDC/);
});

test("dev --once --json prints one JSON object and nothing else", async () => {
  const { code, stdout } = await farthing(["dev", "--once", "--json"]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    unpaidStatus: 402,
    status: 200,
    balances: { payee: { before: "0", after: "10000" } },
  });
});

test("dev stays up; what it prints pays again; SIGTERM ends all of it", async () => {
  const dev = start([FARTHING, "dev"]);
  const url = await dev.seen(/(http:\S+\/report)/);
  const key = await dev.seen(/EVM_PRIVATE_KEY=(0x[0-9a-f]{64})/);
  await dev.seen(/Ctrl-C/);
  const home = newHome(key);

  const paid = await home.run(["pay", url]);
  expect(paid).toMatchObject({ code: 0 });
  expect(paid.stdout).toContain("The answer is 42.");
  expect(paid.stderr).toMatch(
    /Paid 0\.01 USDC on eip155:84532 to 0x\w+: transaction 0x[0-9a-f]{64}/,
  );

  const json = await home.run(["pay", url, "--json"]);
  expect(JSON.parse(json.stdout)).toMatchObject({
    status: 200,
    paid: true,
    receipt: { success: true },
  });

  const [permit2, metered] = await Promise.all(
    ["/permit2", "/metered"].map((path) =>
      home.run(["pay", url.replace("/report", path), "--json"]),
    ),
  );
  expect(JSON.parse(permit2!.stdout)).toMatchObject({ receipt: { amount: "10000" } });
  expect(JSON.parse(metered!.stdout)).toMatchObject({ receipt: { amount: "4000" } });

  const refused = await home.run(["pay", url, "--max-amount", "0.001"]);
  expect(refused).toMatchObject({ code: 3, stdout: "" });
  expect(refused.stderr).toContain("over the limit of $0.001");

  const dryRun = await newHome().run(["pay", url, "--dry-run", "--json"]);
  expect(dryRun.code).toBe(0);
  expect(JSON.parse(dryRun.stdout)).toMatchObject({
    dryRun: true,
    amount: "10000",
    typedData: { primaryType: "TransferWithAuthorization", message: { value: "10000" } },
  });

  const missing = await home.run(["pay", url.replace("/report", "/nothing")]);
  expect(missing.code).toBe(4);

  dev.child.kill("SIGTERM");
  expect(await dev.ended).toMatchObject({ code: 0 });
  const gone = await home.run(["pay", url]);
  expect(gone.code).toBe(1);
});
