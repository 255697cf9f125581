/** What every site of the interop tests sells: `GET /report` for $0.01. */
export const NETWORK = "eip155:84532";
export const NETWORK_V1 = "base-sepolia";
/** $0.01 in atomic units of the token. */
export const PRICE = 10_000n;

/** A receipt, as far as all implementations and versions agree. */
export type Receipt = {
  success: boolean;
  transaction: string;
  network: string;
  payer?: string | undefined;
};
