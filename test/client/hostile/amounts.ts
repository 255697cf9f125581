/** Amounts and lifetimes that a server asks for. */
import { MALFORMED, offer, type Behaviour } from "./server.ts";

export const AMOUNTS: Behaviour[] = [
  offer("asks for nothing", { amount: "0" }, [200]),
  offer("asks for just the limit", { amount: "100000" }, [200]),
  offer("asks for one unit over the limit", { amount: "100001" }, ["refused max_amount"]),
  offer("asks for 2^256 - 1", { amount: String(2n ** 256n - 1n) }, ["refused max_amount"]),
  ...[
    String(2n ** 256n),
    "-1",
    "+1",
    "0.01",
    "1e4",
    "0x2710",
    "10,000",
    "10_000",
    "010000",
    "$0.01",
    "10000 USDC",
    " 10000",
    "10000\n",
    "１００００",
    "",
    10_000,
    0.01,
    ["10000"],
    { value: "10000" },
    true,
    null,
  ].map((amount) => offer(`asks for ${JSON.stringify(amount)}`, { amount }, MALFORMED)),
  offer("names another amount beside", { maxAmountRequired: "1", maxAmount: "1" }, [200]),
  offer(
    "says that the token has 18 decimals",
    { amount: "10000000000000000", decimals: 18 },
    ["refused max_amount"],
    { decimals: 18, symbol: "USDC" },
  ),
  offer("says that the token has none", { amount: "1" }, [200], { decimals: 0 }),
];

export const LIFETIMES: Behaviour[] = [
  ...[1, 2 ** 31, Number.MAX_SAFE_INTEGER].map((maxTimeoutSeconds) =>
    offer(`gives ${maxTimeoutSeconds} s`, { maxTimeoutSeconds }, [200]),
  ),
  ...[0, -1, 0.5, 1e100, "300", null].map((maxTimeoutSeconds) =>
    offer(`gives ${JSON.stringify(maxTimeoutSeconds)} s`, { maxTimeoutSeconds }, MALFORMED),
  ),
];
