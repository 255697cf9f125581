/** JSON-RPC endpoints of a wallet. Their URLs may hold keys, and are never shown. */
import { createPublicClient, http, type PublicClient } from "viem";
import { evmChainId } from "../src/core/network.ts";
import { UsageError } from "./exit.ts";
import { readConfig } from "./wallet-config.ts";

const TIMEOUT_MS = 5000;

export interface Endpoints {
  /** URLs by network, the best first. */
  readonly urls: ReadonlyMap<string, readonly string[]>;
  /** What is wrong with those whose network is not known. */
  readonly problems: readonly string[];
}

export interface RpcFlags {
  readonly rpc: readonly string[];
}

interface Given {
  readonly network: string | undefined;
  readonly url: string;
  /** Where it was given, in place of the URL. */
  readonly name: string;
}

/** Those of the flags; without any, those of the environment and of `wallet.json`. */
export async function findEndpoints({ rpc }: RpcFlags): Promise<Endpoints> {
  const given = rpc.length > 0 ? rpc.map(fromFlag) : [...fromEnvironment(), ...fromConfig()];
  const urls = new Map<string, string[]>();
  const problems: string[] = [];
  const asked = await Promise.all(
    given.map(async ({ network, url, name }) => {
      try {
        return { url, name, network: network ?? `eip155:${await chainIdOf(clientOf(url))}` };
      } catch (error) {
        return { url, name, problem: (error as Error).message };
      }
    }),
  );
  for (const { url, name, network, problem } of asked) {
    if (network === undefined) problems.push(`${name}: ${problem}`);
    else urls.set(network, [...(urls.get(network) ?? []), url]);
  }
  return { urls, problems };
}

export const NO_ENDPOINTS =
  'there is no endpoint: give --rpc eip155:8453=https://..., set EVM_RPC_URL, or write "rpc" in wallet.json';

function fromFlag(value: string, index: number): Given {
  const name = `--rpc ${index + 1}`;
  const [, network, url = value] = /^([^=/?#]+)=(.*)$/s.exec(value) ?? [];
  if (network !== undefined && evmChainId(network) === undefined)
    throw new UsageError(`${name}: the network must be such as eip155:8453, before the "="`);
  return { name, network, url: httpUrl(url, name) };
}

function fromEnvironment(): Given[] {
  const { EVM_RPC_URL: urls = "", EVM_NETWORK: network = "" } = process.env;
  if (network !== "" && evmChainId(network) === undefined)
    throw new UsageError("EVM_NETWORK must be an EVM chain in CAIP-2 form, such as eip155:8453");
  return urls
    .split(",")
    .map((url) => url.trim())
    .filter((url) => url !== "" && !/^wss?:/.test(url))
    .map((url, index) => {
      const name = `EVM_RPC_URL ${index + 1}`;
      return { name, network: network === "" ? undefined : network, url: httpUrl(url, name) };
    });
}

function fromConfig(): Given[] {
  return Object.entries(readConfig().rpc).flatMap(([network, urls]) =>
    [urls].flat().map((url) => ({ name: `rpc of ${network} in wallet.json`, network, url })),
  );
}

function httpUrl(text: string, name: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "http:" || url?.protocol === "https:") return text;
  throw new UsageError(`${name} must have a URL that begins with http:// or https://`);
}

export const clientOf = (url: string): PublicClient =>
  createPublicClient({ transport: http(url, { timeout: TIMEOUT_MS, retryCount: 0 }) });

/** @throws Error that says why, and nothing of the URL. */
export async function chainIdOf(client: PublicClient): Promise<number> {
  return await client.getChainId().catch((error: unknown) => {
    throw new Error(problemOf(error));
  });
}

/** viem's own messages have the URL in them. */
export function problemOf(error: unknown): string {
  const name = error instanceof Error ? error.name : "";
  if (name === "TimeoutError") return `no answer in ${TIMEOUT_MS / 1000} s`;
  if (name === "HttpRequestError") return "no connection, or an HTTP error";
  return "an answer that cannot be used";
}
