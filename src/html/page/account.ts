/** The line that says which account pays, and what it has. */
import { formatAmount } from "../../core/amount.ts";
import type { PayableOffer } from "../page-data.ts";
import type { TextKey } from "../text.ts";
import { connectedAccount, isOnChain, readBalance } from "./wallet-calls.ts";
import type { Wallet } from "./wallets.ts";

export interface AccountLine {
  /** Keeps the line current with a wallet; one that shows its account already is asked without a prompt. */
  follow(wallet: Wallet): void;
  /** The wallet that is paid with from now on. */
  choose(wallet: Wallet): void;
  /** The offer or the wallet changed. */
  refresh(): void;
}

/**
 * @param offer gives the offer that is chosen at the time.
 * @param changed is called when the wallet in use has another account or chain.
 */
export function accountLine(
  offer: () => PayableOffer,
  t: (key: TextKey, blanks?: Record<string, string | number>) => string,
  show: (text: string) => void,
  changed: () => void,
): AccountLine {
  let current: Wallet | undefined;

  async function update(wallet: Wallet): Promise<void> {
    const wanted = offer();
    const account = await connectedAccount(wallet);
    if (account === undefined) {
      if (current === wallet) show("");
      return;
    }
    const isRight = await isOnChain(wallet, wanted).catch(() => false);
    const balance = isRight ? await readBalance(wallet, wanted, account) : undefined;
    // Another wallet or offer may have been chosen meanwhile.
    if (current !== wallet || offer() !== wanted) return;
    const short = `${account.slice(0, 6)}…${account.slice(-4)}`;
    const parts = [t("account", { account: short })];
    if (balance !== undefined) parts.push(t("balance", { balance: amountText(balance, wanted) }));
    show(parts.join(" · "));
  }

  const refresh = () => {
    if (current !== undefined) void update(current);
  };
  return {
    follow(wallet) {
      current ??= wallet;
      if (current === wallet) refresh();
      for (const event of ["accountsChanged", "chainChanged"]) {
        wallet.provider.on?.(event, () => {
          if (current !== wallet) return;
          changed();
          refresh();
        });
      }
    },
    choose(wallet) {
      if (current !== wallet) show("");
      current = wallet;
    },
    refresh,
  };
}

/** An amount of the offer's token with its unit. */
export function amountText(amount: bigint, { decimals, symbol }: PayableOffer): string {
  return decimals === undefined
    ? `${amount} × ${symbol}`
    : `${formatAmount(amount, decimals)} ${symbol}`;
}
