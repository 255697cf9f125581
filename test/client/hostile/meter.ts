/** A buyer whose account writes down all that it is given to sign, and watches where its payments go. */
import { privateKeyToAccount } from "viem/accounts";
import { wrapFetchWithPayment, type WrapFetchOptions } from "../../../src/client/index.ts";
import { exactEvm, type EvmSigner } from "../../../src/evm/index.ts";
import type { ClientEvent } from "../../../src/client/events.ts";

type TypedData = Parameters<EvmSigner["signTypedData"]>[0];

export interface Signed {
  /** Token contract of the domain, in lower case. */
  readonly token: string;
  readonly chainId: number;
  readonly to: string;
  readonly value: bigint;
  readonly nonce: string;
  readonly validBefore: bigint;
}

/** Where a request with a payment went. */
export interface Sent {
  readonly origin: string;
  readonly header: string;
}

export interface Buyer {
  readonly pay: typeof globalThis.fetch;
  readonly signed: Signed[];
  readonly sent: Sent[];
  readonly events: ClientEvent[];
}

export const ACCOUNT = privateKeyToAccount(`0x${"42".repeat(32)}`);

export interface BuyerOptions extends Partial<WrapFetchOptions> {
  /** Runs before every signature; what it throws is the signer's error. */
  readonly onSign?: () => unknown;
  readonly fetch?: typeof globalThis.fetch;
}

export function openBuyer(options: BuyerOptions = {}): Buyer {
  const { onSign, fetch: base = globalThis.fetch, ...rest } = options;
  const [signed, sent, events]: [Signed[], Sent[], ClientEvent[]] = [[], [], []];
  const account: EvmSigner = {
    address: ACCOUNT.address,
    async signTypedData(typedData: TypedData) {
      await onSign?.();
      const { domain, message } = typedData;
      const { to, value, nonce, validBefore } = message as {
        to: string;
        value: bigint;
        nonce: string;
        validBefore: bigint;
      };
      const token = domain.verifyingContract.toLowerCase();
      signed.push({ token, chainId: domain.chainId, to, value, nonce, validBefore });
      return await ACCOUNT.signTypedData(typedData);
    },
  };
  const watched: typeof fetch = async (input, init) => {
    const headers = new Headers(init?.headers);
    const header = headers.get("PAYMENT-SIGNATURE") ?? headers.get("X-PAYMENT");
    const url = input instanceof Request ? input.url : String(input);
    if (header !== null) sent.push({ origin: new URL(url, "http://relative").origin, header });
    return await base(input, init);
  };
  const pay = wrapFetchWithPayment(watched, {
    schemes: [exactEvm({ account })],
    retry: { attempts: 2, timeoutMs: 400, maxWaitMs: 300 },
    onEvent: (event) => void events.push(event),
    ...rest,
  });
  return { pay, signed, sent, events };
}

/** What can be taken at most: of signatures with one nonce, the dearest. */
export function exposure(signed: readonly Signed[]): bigint {
  const most = new Map<string, bigint>();
  for (const { token, nonce, value } of signed) {
    const key = `${token} ${nonce}`;
    const known = most.get(key) ?? 0n;
    most.set(key, value > known ? value : known);
  }
  return [...most.values()].reduce((sum, value) => sum + value, 0n);
}

export const nonces = (signed: readonly Signed[]): number =>
  new Set(signed.map(({ nonce }) => nonce)).size;

/** What a call ended with: a response, or what it threw. */
export const outcomeOf = (call: Promise<Response>): Promise<unknown> =>
  call.catch((error: unknown) => error);
