/** What is asked of a wallet, and what its refusals mean. */
import { hexWord, isHex } from "../../core/hex.ts";
import type { PayableOffer } from "../page-data.ts";
import { Problem } from "./problem.ts";
import type { Wallet } from "./wallets.ts";

const REJECTED = 4001;
const UNKNOWN_CHAIN = 4902;
const INTERNAL = -32603;
const ALREADY_ASKING = -32002;
const MAX_MESSAGE = 200;

/** Asks for an account, which the wallet may have to be unlocked for. */
export async function connect(wallet: Wallet): Promise<string> {
  return firstAccount(await ask(wallet, "eth_requestAccounts"));
}

/** The account that the wallet shows this page already, if any; asks nobody. */
export async function connectedAccount({ provider }: Wallet): Promise<string | undefined> {
  try {
    return firstAccount(await provider.request({ method: "eth_accounts" }));
  } catch {
    return undefined;
  }
}

function firstAccount(accounts: unknown): string {
  const account: unknown = Array.isArray(accounts) ? accounts[0] : undefined;
  if (typeof account !== "string" || !isHex(account, 20)) throw new Problem("noAccount");
  return account;
}

/** Whether the wallet is on the offer's chain now. */
export async function isOnChain(wallet: Wallet, { chainId }: PayableOffer): Promise<boolean> {
  const current = await ask(wallet, "eth_chainId");
  // Hex by the standard; some wallets give a number or decimal digits.
  return Number(current) === chainId;
}

/** Has the wallet switch to the offer's chain, and add it where it does not know it. */
export async function switchChain(wallet: Wallet, offer: PayableOffer): Promise<void> {
  const chainId = `0x${offer.chainId.toString(16)}`;
  const toOffer = () =>
    wallet.provider.request({ method: "wallet_switchEthereumChain", params: [{ chainId }] });
  try {
    await toOffer();
  } catch (error) {
    const code = codeOf(error);
    if (code === REJECTED) throw new Problem("wrongNetwork", { network: offer.network });
    // Some wallets wrap "unknown chain" in an internal error.
    if (code !== UNKNOWN_CHAIN && code !== INTERNAL) throw problemOf(error);
    if (offer.addChain === undefined)
      throw new Problem("unknownNetwork", { ...offer, addChain: "" });
    await ask(wallet, "wallet_addEthereumChain", [offer.addChain]);
    // Adding switches as well in most wallets, not in all.
    if (!(await isOnChain(wallet, offer))) await toOffer().catch(() => undefined);
  }
  if (!(await isOnChain(wallet, offer)))
    throw new Problem("wrongNetwork", { network: offer.network });
}

/** Atomic units of the offer's token that an account has; nothing when the wallet's node cannot tell. */
export async function readBalance(
  { provider }: Wallet,
  { asset }: PayableOffer,
  account: string,
): Promise<bigint | undefined> {
  const data = `0x70a08231${hexWord(account as `0x${string}`)}`; // balanceOf(address)
  try {
    const word = await provider.request({
      method: "eth_call",
      params: [{ to: asset, data }, "latest"],
    });
    return typeof word === "string" && isHex(word, 32) ? BigInt(word) : undefined;
  } catch {
    return undefined;
  }
}

/** Calls the wallet. @throws Problem */
export async function ask(wallet: Wallet, method: string, params?: unknown): Promise<unknown> {
  try {
    return await wallet.provider.request(params === undefined ? { method } : { method, params });
  } catch (error) {
    throw problemOf(error);
  }
}

function problemOf(error: unknown): Problem {
  const code = codeOf(error);
  if (code === REJECTED) return new Problem("rejected");
  if (code === ALREADY_ASKING) return new Problem("alreadyAsking");
  const { message } = (error ?? {}) as { message?: unknown };
  const text = typeof message === "string" && message !== "" ? message : String(code);
  return new Problem("walletFailed", { message: text.slice(0, MAX_MESSAGE) });
}

/** EIP-1193 error code; the inner one where a wallet wraps another's error. */
function codeOf(error: unknown): number | undefined {
  const { code, data } = (error ?? {}) as {
    code?: number;
    data?: { originalError?: { code?: number } };
  };
  return data?.originalError?.code ?? code;
}
