import type { Network } from "../core/network.ts";

/** Networks where tokens have no value. Everything else is treated as a mainnet. */
export const TESTNETS: ReadonlySet<Network> = new Set([
  "eip155:84532",
  "eip155:11155111",
  "eip155:43113",
  "eip155:80002",
  "eip155:421614",
  "eip155:11142220",
  "eip155:31337",
]);
