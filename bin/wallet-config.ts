/** `wallet.json`: what holds for every command of a wallet. */
import { readFileSync } from "node:fs";
import * as z from "zod";
import { spendPolicy, type Budget } from "../src/client/index.ts";
import { evmChainId } from "../src/core/network.ts";
import { UsageError } from "./exit.ts";
import { isMoney } from "./options.ts";
import { cannot, configPath, isMissing, replaceFile } from "./home.ts";

const url = z
  .string("must be a URL")
  .refine(
    (text) => URL.canParse(text) && ["http:", "https:"].includes(new URL(text).protocol),
    "must be a URL that begins with http:// or https://",
  );

const MONEY = 'must be dollars such as "5", or tokens such as "5 EURC"';

const Config = z.strictObject({
  budgets: z
    .array(
      z.strictObject({
        limit: z.string(MONEY).refine(isMoney, MONEY),
        windowSeconds: z.int("must be a whole number").optional(),
        by: z.enum(["host", "payee"], 'must be "host" or "payee"').optional(),
        host: z.string("must be a host name").optional(),
        payee: z.string("must be an address").optional(),
      }),
    )
    .default([]),
  /** Endpoints by network, for `balance` and `reconcile`. */
  rpc: z
    .record(
      z
        .string()
        .refine(
          (network) => evmChainId(network) !== undefined,
          'must have networks such as "eip155:8453" as names',
        ),
      z.union([url, z.array(url)]),
      'must be an object such as {"eip155:8453":"https://..."}',
    )
    .default({}),
});

export type WalletConfig = Omit<z.infer<typeof Config>, "budgets"> & {
  readonly budgets: readonly WalletBudget[];
};
/** A budget of one unit. */
export type WalletBudget = Budget & { readonly limit: string };

/** @throws UsageError naming the file, the field and the fix. */
export function readConfig(): WalletConfig {
  const file = configPath();
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (isMissing(error)) return { budgets: [], rpc: {} };
    throw cannot("read", file, error);
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new UsageError(`${file} is no JSON: mend it, or remove it`);
  }
  const parsed = Config.safeParse(json);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) =>
      `${path.map(String).join(".")} ${message}`.trim(),
    );
    throw new UsageError(`${file}: ${problems.join("; ")}`);
  }
  // Their optional fields may be undefined by type, and are not.
  const config = parsed.data as WalletConfig;
  assertBudgets(config.budgets, file);
  return config;
}

export function writeConfig(config: WalletConfig): void {
  assertBudgets(config.budgets, "nothing was written");
  replaceFile(configPath(), `${JSON.stringify(config, null, 2)}\n`);
}

/** @throws UsageError in the words of the client, which has the last word. */
function assertBudgets(budgets: readonly Budget[], where: string): void {
  try {
    spendPolicy({ budgets });
  } catch (error) {
    throw new UsageError(`${where}: ${(error as Error).message}`);
  }
}
