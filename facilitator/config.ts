import { readFileSync } from "node:fs";
import * as z from "zod";
import { evmChainId, type Network } from "../src/core/network.ts";
import type { Hex } from "../src/core/scheme.ts";
import { parseAddress } from "../src/evm/address.ts";
import type { Erc6492Factory } from "../src/evm/facilitator.ts";
import type { SponsoringOptions } from "./sponsoring.ts";

export interface NetworkConfig {
  readonly network: Network;
  /** Endpoints, the best first. */
  readonly rpcUrls: readonly string[];
  /** Signers; each sends by itself. */
  readonly privateKeys: readonly Hex[];
}

export interface FacilitatorConfig {
  readonly host: string;
  readonly port: number;
  readonly networks: readonly NetworkConfig[];
  /** Absent: the ledger is kept in memory. */
  readonly redisUrl?: string;
  readonly logLevel: string;
  /** Contracts that may be called to make a payer's wallet. */
  readonly erc6492Factories?: readonly Erc6492Factory[];
  /** Delegation managers (ERC-7710) that may be called. */
  readonly erc7710Managers?: readonly string[];
  /** Gas that one wallet may burn in vain in a day. */
  readonly walletGasBudget?: bigint;
  /** Absent: no gas is paid for payers. */
  readonly sponsoring?: SponsoringOptions;
}

/** Every mistake of a configuration, each naming its variable and the fix. No values: they may be secrets. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(
      `the configuration has ${problems.length === 1 ? "a mistake" : `${problems.length} mistakes`}:\n${problems.map((problem) => `  ${problem}`).join("\n")}`,
    );
    this.problems = problems;
  }
}

const network = z
  .string("is missing: give a chain in CAIP-2 form, such as eip155:84532")
  .refine(
    (value): value is Network => evmChainId(value) !== undefined,
    "must be an EVM chain in CAIP-2 form, such as eip155:84532",
  );
const url = (protocols: readonly string[]) =>
  z
    .string("is missing")
    .refine(
      (value) => URL.canParse(value) && protocols.includes(new URL(value).protocol),
      `must be a URL that begins with ${protocols.map((protocol) => `${protocol}//`).join(" or ")}`,
    );
/** One value or several with commas between them. */
const list = <T extends z.ZodType<unknown, string>>(item: T) =>
  z
    .string("is missing")
    .transform((value) => value.split(",").map((part) => part.trim()))
    .pipe(z.array(item));
const rpcUrls = list(url(["http:", "https:", "ws:", "wss:"])).refine(
  (urls) => urls.some((text) => text.startsWith("http")),
  "must have at least one URL that begins with http:// or https://",
);
const privateKeys = list(
  z
    .string()
    .regex(/^0x[0-9a-fA-F]{64}$/, "must be a private key: 0x and 64 hex digits")
    .transform((value) => value as Hex),
).refine(
  (keys) => new Set(keys.map((key) => key.toLowerCase())).size === keys.length,
  "names a key twice",
);

const wei = z
  .string()
  .regex(/^(?:0|[1-9][0-9]{0,29})$/, "must be an amount of wei, a whole number")
  .transform(BigInt)
  .optional();
/** A contract's address, with a right checksum where it has one. */
const contract = z
  .string()
  .refine((value) => parseAddress(value.slice(0, 42)) !== undefined, "has what is no address");
/** The same, perhaps with the functions that may be called, with colons between them. */
const factory = contract
  .regex(/^.{42}(:0x[0-9a-fA-F]{8})*$/, "must be addresses, perhaps with functions: 0x…:0x12345678")
  .transform((value): Erc6492Factory => {
    const [address = "", ...selectors] = value.split(":");
    return selectors.length === 0 ? { address } : { address, selectors };
  });

const Service = z.object({
  ERC7710_MANAGERS: list(
    contract.length(42, "must be addresses, with commas between them"),
  ).default([]),
  ERC6492_FACTORIES: list(factory).default([]),
  WALLET_GAS_BUDGET: z
    .string()
    .regex(/^\d{1,12}$/, "must be an amount of gas: a whole number")
    .transform(BigInt)
    .optional(),
  PORT: z.coerce
    .number("must be a port number")
    .int("must be a whole number")
    .min(0, "must be 0 to 65535")
    .max(65535, "must be 0 to 65535")
    .default(4022),
  HOST: z.string().min(1, "must not be empty").default("127.0.0.1"),
  REDIS_URL: z
    .string()
    .regex(
      /^rediss?(-cluster)?:\/\//,
      "must be a URL that begins with redis://, rediss:// or redis-cluster://",
    )
    .optional(),
  SPONSORING_WEI_PER_PAYER_PER_DAY: wei,
  SPONSORING_WEI_PER_DAY: wei,
  LOG_LEVEL: z
    .enum(
      ["fatal", "error", "warn", "info", "debug", "trace", "silent"],
      "must be one of fatal, error, warn, info, debug, trace, silent",
    )
    .default("info"),
});

const OneNetwork = z.object({
  EVM_NETWORK: network,
  EVM_RPC_URL: rpcUrls,
  EVM_PRIVATE_KEY: privateKeys,
});

/** The file that `FARTHING_CONFIG` names. Secrets are not in it, but in the variables that it names. */
const ConfigFile = z.strictObject({
  networks: z
    .array(
      z.strictObject({
        network,
        /** One URL, or several with commas between them. */
        rpcUrl: rpcUrls.optional(),
        /** Name of the variable that holds the URLs, for those that carry a key. */
        rpcUrlEnv: z.string().optional(),
        /** Name of the variable that holds the private keys; default `EVM_PRIVATE_KEY`. */
        privateKeyEnv: z.string().default("EVM_PRIVATE_KEY"),
      }),
    )
    .min(1, "must name at least one network"),
});

/**
 * Configuration of the service from environment variables: `PORT`, `HOST`, `REDIS_URL`, `LOG_LEVEL`,
 * `ERC6492_FACTORIES`, `ERC7710_MANAGERS`, `WALLET_GAS_BUDGET`, `SPONSORING_WEI_PER_PAYER_PER_DAY`,
 * `SPONSORING_WEI_PER_DAY`, and either `EVM_NETWORK`, `EVM_RPC_URL`, `EVM_PRIVATE_KEY`, or `FARTHING_CONFIG`, a JSON file
 * with several networks.
 *
 * @throws ConfigError with all mistakes at once.
 */
export function loadConfig(
  env: Readonly<Record<string, string | undefined>>,
  readFile: (path: string) => string = (path) => readFileSync(path, "utf8"),
): FacilitatorConfig {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ""));
  const problems: string[] = [];
  const service = Service.safeParse(given);
  if (!service.success) problems.push(...describe(service.error));
  const networks =
    given["FARTHING_CONFIG"] === undefined
      ? networkFromEnv(given, problems)
      : networksFromFile(given["FARTHING_CONFIG"], given, readFile, problems);
  const twice = networks.find(
    (entry, index) => networks.findIndex((other) => other.network === entry.network) < index,
  );
  if (twice !== undefined) problems.push(`FARTHING_CONFIG: networks names ${twice.network} twice`);
  if (!service.success || problems.length > 0) throw new ConfigError(problems);
  const { PORT, HOST, REDIS_URL, LOG_LEVEL, WALLET_GAS_BUDGET } = service.data;
  const { SPONSORING_WEI_PER_PAYER_PER_DAY: perPayerPerDay, SPONSORING_WEI_PER_DAY: perDay } =
    service.data;
  if ((perPayerPerDay === undefined) !== (perDay === undefined))
    throw new ConfigError([
      "SPONSORING_WEI_PER_PAYER_PER_DAY and SPONSORING_WEI_PER_DAY go together: give both, or none",
    ]);
  return {
    host: HOST,
    port: PORT,
    networks,
    logLevel: LOG_LEVEL,
    erc6492Factories: service.data.ERC6492_FACTORIES,
    erc7710Managers: service.data.ERC7710_MANAGERS,
    ...(WALLET_GAS_BUDGET !== undefined && { walletGasBudget: WALLET_GAS_BUDGET }),
    ...(REDIS_URL !== undefined && { redisUrl: REDIS_URL }),
    ...(perPayerPerDay !== undefined &&
      perDay !== undefined && { sponsoring: { perPayerPerDay, perDay } }),
  };
}

type Env = Readonly<Record<string, string | undefined>>;

function networkFromEnv(env: Env, problems: string[]): NetworkConfig[] {
  const parsed = OneNetwork.safeParse(env);
  if (!parsed.success) {
    problems.push(...describe(parsed.error));
    return [];
  }
  const { EVM_NETWORK, EVM_RPC_URL, EVM_PRIVATE_KEY } = parsed.data;
  return [{ network: EVM_NETWORK, rpcUrls: EVM_RPC_URL, privateKeys: EVM_PRIVATE_KEY }];
}

function networksFromFile(
  path: string,
  env: Env,
  readFile: (path: string) => string,
  problems: string[],
): NetworkConfig[] {
  let value: unknown;
  try {
    value = JSON.parse(readFile(path));
  } catch (error) {
    const why = error instanceof SyntaxError ? "is not valid JSON" : "cannot be read";
    problems.push(`FARTHING_CONFIG: the file ${path} ${why}`);
    return [];
  }
  const file = ConfigFile.safeParse(value);
  if (!file.success) {
    problems.push(...describe(file.error).map((problem) => `FARTHING_CONFIG: ${problem}`));
    return [];
  }
  return file.data.networks.flatMap((entry) => {
    const given =
      entry.rpcUrlEnv === undefined ? undefined : rpcUrls.safeParse(env[entry.rpcUrlEnv]);
    const urls = given?.data ?? entry.rpcUrl;
    const keys = privateKeys.safeParse(env[entry.privateKeyEnv]);
    if (urls === undefined) {
      const name = entry.rpcUrlEnv ?? `FARTHING_CONFIG: rpcUrl of ${entry.network}`;
      problems.push(
        `${name} ${given?.error === undefined ? "is missing" : firstMessage(given.error)}`,
      );
    }
    if (!keys.success) problems.push(`${entry.privateKeyEnv} ${firstMessage(keys.error)}`);
    return urls !== undefined && keys.success
      ? [{ network: entry.network, rpcUrls: urls, privateKeys: keys.data }]
      : [];
  });
}

/** One problem a field, without the place in a list: the lists are short, and hold secrets. */
function describe(error: z.ZodError): string[] {
  const problems = new Map<string, string>();
  for (const issue of error.issues) {
    const [field, ...path] = issue.path.filter((part, at) => at === 0 || typeof part === "string");
    const name = [field, ...path].join(".");
    if (!problems.has(name))
      problems.set(name, name === "" ? issue.message : `${name} ${issue.message}`);
  }
  return [...problems.values()];
}

const firstMessage = (error: z.ZodError): string => error.issues[0]?.message ?? "is not acceptable";
