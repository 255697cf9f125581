/** The payment that was signed for this page, until it is known that it was not taken. It outlives a reload, not the tab. */
export interface Pending {
  /** Value of `PAYMENT-SIGNATURE`. */
  readonly header: string;
  /** For people. */
  readonly price: string;
  /** Unix milliseconds at which what was bought was opened. */
  readonly openedAtMs?: number;
}

/** A payment is for one URL. Without storage (it may be forbidden) it is remembered until a reload. */
const key = (): string => `x402 ${location.pathname}${location.search}`;
let remembered: Pending | undefined;

export function keepPending(pending: Pending): void {
  remembered = pending;
  try {
    sessionStorage.setItem(key(), JSON.stringify(pending));
  } catch {
    // Then it is in `remembered` only.
  }
}

export function findPending(): Pending | undefined {
  if (remembered !== undefined) return remembered;
  try {
    const pending = JSON.parse(sessionStorage.getItem(key()) ?? "null") as Partial<Pending> | null;
    if (typeof pending?.header !== "string" || typeof pending.price !== "string") return undefined;
    return pending as Pending;
  } catch {
    return undefined;
  }
}

export function forgetPending(): void {
  remembered = undefined;
  try {
    sessionStorage.removeItem(key());
  } catch {
    // Nothing was stored.
  }
}
