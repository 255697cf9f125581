/** `farthing wallet balance`. */
import { erc20Abi } from "../contracts-abi/erc20.ts";
import { formatAmount } from "../src/core/amount.ts";
import type { Hex } from "../src/core/scheme.ts";
import { KNOWN_ASSETS, TESTNETS } from "../src/evm/index.ts";
import {
  chainIdOf,
  clientOf,
  findEndpoints,
  NO_ENDPOINTS,
  problemOf,
  type RpcFlags,
} from "./endpoints.ts";
import { EXIT, fail, UsageError } from "./exit.ts";
import { openAddress, type KeyOptions } from "./key.ts";
import { print, printJson, table } from "./text.ts";

export interface BalanceOptions extends KeyOptions, RpcFlags {
  readonly address?: Hex;
  readonly json?: true;
}

interface Balance {
  readonly network: string;
  readonly symbol: string;
  readonly asset: Hex;
  /** Whole tokens, and atomic units. */
  readonly amount: string;
  readonly atomic: string;
}

type Outcome = Balance | { readonly network: string; readonly error: string };

export async function showBalance(options: BalanceOptions): Promise<void> {
  const address = options.address ?? (await openAddress(options));
  if (address === undefined)
    throw new UsageError("there is no key: give --address, or see farthing wallet create");
  const { urls, problems } = await findEndpoints(options);
  if (urls.size === 0 && problems.length === 0) throw new UsageError(NO_ENDPOINTS);
  const asked = [...urls].map(([network, list]) => balancesOn(network, list, address));
  const balances: Outcome[] = (await Promise.all(asked)).flat();
  if (options.json) printJson({ address, balances, problems });
  else {
    print(`Address  ${address}\n`);
    print(table(balances.map(row)));
  }
  const failed = balances.filter((balance) => "error" in balance);
  for (const { network, error } of failed) fail(EXIT.failed, `${network}: ${error}`);
  for (const problem of problems) fail(EXIT.failed, problem);
}

const row = (balance: Outcome): string[] => {
  const { network } = balance;
  const name = TESTNETS.has(network as `${string}:${string}`) ? `${network} (testnet)` : network;
  return [name, "error" in balance ? "unknown" : `${balance.amount} ${balance.symbol}`];
};

/** Of the first endpoint that answers. */
async function balancesOn(
  network: string,
  urls: readonly string[],
  owner: Hex,
): Promise<Outcome[]> {
  const assets = KNOWN_ASSETS.filter((asset) => asset.network === network);
  if (assets.length === 0) return [{ network, error: "no token is known there" }];
  const problems: string[] = [];
  for (const [index, url] of urls.entries()) {
    try {
      const client = clientOf(url);
      const chain = `eip155:${await chainIdOf(client)}`;
      if (chain !== network) throw new Error(`it is of another chain, ${chain}`);
      const amounts = await Promise.all(
        assets.map(({ address }) =>
          client
            .readContract({ address, abi: erc20Abi, functionName: "balanceOf", args: [owner] })
            .catch((error: unknown) => {
              throw new Error(problemOf(error));
            }),
        ),
      );
      return assets.map(({ symbol, decimals, address }, at) => {
        const atomic = amounts[at] ?? 0n;
        const amount = formatAmount(atomic, decimals);
        return { network, symbol, asset: address, amount, atomic: atomic.toString() };
      });
    } catch (error) {
      problems.push(`endpoint ${index + 1}: ${(error as Error).message}`);
    }
  }
  return [{ network, error: problems.join("; ") }];
}
