/** Finds the wallets of this browser: EIP-6963 announcements, else the one provider at `window.ethereum` (EIP-1193). */

/** What is used of an EIP-1193 provider. */
export interface Provider {
  request(call: { method: string; params?: unknown }): Promise<unknown>;
  on?(event: string, listener: () => void): unknown;
}

export interface Wallet {
  /** Of the announcement; a wallet may announce itself again. */
  readonly uuid: unknown;
  readonly name: string;
  /** A `data:` image, or nothing. */
  readonly icon: string | undefined;
  readonly provider: Provider;
}

/** How long announcements are waited for before `window.ethereum` is taken. */
const ANNOUNCE_MS = 200;
/** How long a wallet that injects itself late may take until the page says that there is none. */
const LATE_MS = 1200;
const MAX_NAME = 60;
const MAX_ICON = 100_000;

/**
 * @param found is called with all wallets known so far, each time that there is a new one.
 * @param none is called once when there is none after a while; one may still be found later.
 */
export function findWallets(
  unnamed: string,
  found: (wallets: readonly Wallet[]) => void,
  none: () => void,
): void {
  const wallets: Wallet[] = [];
  const add = (wallet: Wallet) => {
    const { uuid, provider } = wallet;
    if (wallets.some((other) => other.provider === provider || (uuid && other.uuid === uuid)))
      return;
    wallets.push(wallet);
    found(wallets);
  };
  const addInjected = () => {
    const provider = (window as { ethereum?: unknown }).ethereum;
    if (wallets.length === 0 && isProvider(provider))
      add({ uuid: undefined, name: unnamed, icon: undefined, provider });
  };
  window.addEventListener("eip6963:announceProvider", (event) => {
    const wallet = readAnnouncement((event as CustomEvent<unknown>).detail);
    if (wallet !== undefined) add(wallet);
  });
  window.addEventListener("ethereum#initialized", addInjected);
  window.dispatchEvent(new Event("eip6963:requestProvider"));
  setTimeout(addInjected, ANNOUNCE_MS);
  setTimeout(() => {
    addInjected();
    if (wallets.length === 0) none();
  }, LATE_MS);
}

function readAnnouncement(detail: unknown): Wallet | undefined {
  const { info, provider } = (detail ?? {}) as {
    info?: Record<string, unknown>;
    provider?: unknown;
  };
  if (!isProvider(provider) || typeof info?.["name"] !== "string" || info["name"] === "")
    return undefined;
  const { uuid, name, icon } = info as { uuid?: unknown; name: string; icon?: unknown };
  const shown =
    typeof icon === "string" && icon.startsWith("data:image/") && icon.length <= MAX_ICON;
  return { uuid, name: name.slice(0, MAX_NAME), icon: shown ? icon : undefined, provider };
}

function isProvider(value: unknown): value is Provider {
  return typeof (value as Partial<Provider> | null | undefined)?.request === "function";
}
