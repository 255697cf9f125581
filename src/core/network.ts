/** A chain in CAIP-2 form, for example `eip155:84532`. */
export type Network = `${string}:${string}`;

const CAIP2 = /^[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}$/;
const EIP155 = /^eip155:(0|[1-9]\d*)$/;

/** Whether a text is a CAIP-2 chain id (CAIP-2). For `eip155` the reference is a canonical safe integer. */
export function isNetwork(text: string): text is Network {
  if (!CAIP2.test(text)) return false;
  return !text.startsWith("eip155:") || evmChainId(text) !== undefined;
}

/** Chain id of an `eip155` network, or nothing for anything else: no padding, no sign, at most 2^53 - 1. */
export function evmChainId(network: string): number | undefined {
  const digits = EIP155.exec(network)?.[1];
  if (digits === undefined) return undefined;
  const id = Number(digits);
  return Number.isSafeInteger(id) ? id : undefined;
}

/** CAIP-2 namespace of a network: `eip155:84532` → `eip155`. */
export function networkFamily(network: string): string {
  return network.slice(0, network.indexOf(":"));
}
