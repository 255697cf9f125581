import { getWebSocketRpcClient } from "viem/utils";
import type { Head } from "../chain.ts";
import { parseHead } from "./header.ts";
import { parseNumber } from "./quantity.ts";

interface Message {
  readonly error?: unknown;
  readonly result?: unknown;
  readonly params?: { readonly result?: unknown };
}

/**
 * Subscribes to `newHeads` over a websocket of the chain with this id. Returns what ends it; calls `onEnd`, once, when it
 * ended by itself. Connecting again is up to the caller: viem, when it does that, prints errors with addresses in them.
 */
export function subscribeHeads(
  url: string,
  chainId: number,
  onHead: (head: Head) => void,
  onEnd: () => void,
): () => void {
  let over = false;
  let close = (): void => {};

  const end = (): void => {
    if (over) return;
    over = true;
    close();
    onEnd();
  };

  const start = async (): Promise<void> => {
    const client = await getWebSocketRpcClient(url, { reconnect: false, keepAlive: false });
    // viem shares connections by URL, and forgets one only when it is closed here.
    close = () => client.close();
    if (over) return close();
    const ask = (method: string, params: readonly unknown[], hear: (message: Message) => void) =>
      client.request({
        body: { method, params },
        onError: end,
        onResponse(message: Message) {
          if (over) return;
          try {
            if (message.error !== undefined) end();
            else hear(message);
          } catch {
            end();
          }
        },
      });

    ask("eth_chainId", [], ({ result }) => {
      if (parseNumber(result, "chain id") !== chainId) return end();
      ask("eth_subscribe", ["newHeads"], ({ params }) => {
        // The first message is the subscription's id.
        if (params !== undefined) onHead(parseHead(params.result));
      });
    });
  };
  start().catch(end);

  return () => {
    if (over) return;
    over = true;
    close();
  };
}
