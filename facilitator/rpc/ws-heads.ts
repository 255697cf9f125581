import { getWebSocketRpcClient } from "viem/utils";
import type { Head } from "../chain.ts";
import { parseHead } from "./header.ts";

/**
 * Subscribes to `newHeads` over a websocket. Returns what ends it; `onEnd` is called once when it ends by itself. Nothing
 * is reconnected here: viem's own reconnecting prints errors, with addresses in them.
 */
export function subscribeHeads(
  url: string,
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
    close = () => client.close();
    if (over) return close();
    client.request({
      body: { method: "eth_subscribe", params: ["newHeads"] },
      onError: end,
      onResponse: (message: { error?: unknown; params?: { result?: unknown } }) => {
        if (over) return;
        if (message.error !== undefined) return end();
        // The first message is the subscription's id.
        if (message.params === undefined) return;
        try {
          onHead(parseHead(message.params.result));
        } catch {
          end();
        }
      },
    });
  };
  start().catch(end);

  return () => {
    if (over) return;
    over = true;
    close();
  };
}
