/** A wallet that a page finds in the browser; what it is asked is answered here, in the test's process. */
import type { BrowserContext, Page } from "playwright-core";
import type { PrivateKeyAccount } from "viem/accounts";
import type { LocalWorld } from "../../src/testing/index.ts";

export interface TestWallet {
  readonly name: string;
  /** EIP-6963 announces itself; EIP-1193 alone stands at `window.ethereum`. */
  readonly kind: "eip6963" | "eip1193";
  account: PrivateKeyAccount;
  chainId: number;
  /** Chains that it can switch to. */
  readonly chains: Set<number>;
  /** Whether the page may see the account. */
  connected: boolean;
  /** Methods that the user says no to. */
  readonly rejects: Set<string>;
  /** What was asked, in order. */
  readonly asked: string[];
  /** Parameters of `wallet_addEthereumChain`. */
  readonly added: unknown[];
  /** Tells the page of a change. */
  emit(page: Page, event: string): Promise<void>;
  /** How often it signed. */
  signatures(): number;
}

const SIGN = "eth_signTypedData_v4";
const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'%3E%3Ccircle cx='4' cy='4' r='4' fill='orange'/%3E%3C/svg%3E";

export function testWallet(
  world: LocalWorld,
  options: Partial<Pick<TestWallet, "name" | "kind" | "account" | "chainId" | "connected">> = {},
): TestWallet {
  const asked: string[] = [];
  return {
    name: "Test Wallet",
    kind: "eip6963",
    account: world.accounts.payer.account,
    chainId: world.chainId,
    connected: false,
    ...options,
    chains: new Set([1, world.chainId]),
    rejects: new Set(),
    asked,
    added: [],
    async emit(page, event) {
      const detail = { name: options.name ?? "Test Wallet", event };
      await page.evaluate(
        (d) => window.dispatchEvent(new CustomEvent("wallet-event", { detail: d })),
        detail,
      );
    },
    signatures: () => asked.filter((method) => method === SIGN).length,
  };
}

/** Puts wallets into every page of a context. */
export async function install(
  context: BrowserContext,
  world: LocalWorld,
  wallets: readonly TestWallet[],
): Promise<void> {
  await context.exposeFunction(
    "askWallet",
    async (name: string, method: string, params: unknown[]) => {
      const wallet = wallets.find((candidate) => candidate.name === name);
      if (wallet === undefined) throw new Error(`no wallet ${name}`);
      wallet.asked.push(method);
      try {
        return { result: await answer(wallet, world, method, params) };
      } catch (error) {
        const { code = -32000, message } = error as { code?: number; message: string };
        return { error: { code, message } };
      }
    },
  );
  for (const { name, kind } of wallets) {
    await context.addInitScript(inject, { name, kind, icon: ICON });
  }
}

/** Runs in the page. */
function inject({ name, kind, icon }: { name: string; kind: string; icon: string }): void {
  interface Reply {
    result?: unknown;
    error?: { code: number; message: string };
  }
  const page = window as unknown as {
    askWallet(name: string, method: string, params: unknown): Promise<Reply>;
    ethereum?: unknown;
  };
  const provider = {
    async request({ method, params = [] }: { method: string; params?: unknown }) {
      const { result, error } = await page.askWallet(name, method, params);
      if (error !== undefined) throw Object.assign(new Error(error.message), { code: error.code });
      return result;
    },
    on(event: string, listener: () => void) {
      window.addEventListener("wallet-event", (raw) => {
        const { detail } = raw as CustomEvent<{ name: string; event: string }>;
        if (detail.name === name && detail.event === event) listener();
      });
    },
  };
  if (kind === "eip1193") {
    page.ethereum = provider;
    return;
  }
  const detail = Object.freeze({
    info: { uuid: name, name, icon, rdns: "example.wallet" },
    provider,
  });
  const announce = () =>
    window.dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail }));
  window.addEventListener("eip6963:requestProvider", announce);
  announce();
}

async function answer(
  wallet: TestWallet,
  world: LocalWorld,
  method: string,
  params: unknown[],
): Promise<unknown> {
  if (wallet.rejects.has(method)) throw Object.assign(new Error("User rejected."), { code: 4001 });
  if (method === "eth_requestAccounts" || method === "eth_accounts") {
    if (method === "eth_requestAccounts") wallet.connected = true;
    return wallet.connected ? [wallet.account.address] : [];
  }
  if (method === "eth_chainId") return `0x${wallet.chainId.toString(16)}`;
  if (method === "wallet_switchEthereumChain") {
    const wanted = Number((params[0] as { chainId: string }).chainId);
    if (!wallet.chains.has(wanted))
      throw Object.assign(new Error("Unrecognized chain"), { code: 4902 });
    wallet.chainId = wanted;
    return null;
  }
  if (method === "wallet_addEthereumChain") {
    wallet.added.push(params[0]);
    wallet.chains.add(Number((params[0] as { chainId: string }).chainId));
    return null;
  }
  if (method === "eth_call") {
    const { to, data } = params[0] as { to: `0x${string}`; data: `0x${string}` };
    return (await world.client.call({ to, data })).data ?? "0x";
  }
  if (method === SIGN) return await sign(wallet, String(params[0]), String(params[1]));
  throw Object.assign(new Error(`${method} is not supported`), { code: 4200 });
}

/** Signs as wallets do: for the account that was named, on the chain that is selected. */
async function sign(wallet: TestWallet, from: string, text: string): Promise<string> {
  const { types, domain, primaryType, message } = JSON.parse(text) as {
    types: Record<string, { name: string; type: string }[]>;
    domain: { chainId: number };
    primaryType: string;
    message: Record<string, string>;
  };
  if (
    from.toLowerCase() !== wallet.account.address.toLowerCase() ||
    domain.chainId !== wallet.chainId
  )
    throw Object.assign(new Error("Account or chain is not the selected one."), { code: -32602 });
  const { EIP712Domain: _, ...structs } = types;
  const values = Object.fromEntries(
    (structs[primaryType] ?? []).map(({ name, type }) => {
      const value = message[name] ?? "";
      return [name, type === "uint256" ? BigInt(value) : value];
    }),
  );
  return await wallet.account.signTypedData({
    types: structs,
    domain,
    primaryType,
    message: values,
  });
}
