import { Agent, request as httpRequest } from "node:http";
import { text } from "node:stream/consumers";
import type { RpcAnswer, RpcRequest } from "./rpc-fault.ts";

export type Upstream = {
  ask(request: RpcRequest): Promise<RpcAnswer>;
  /** One HTTP request for all: a JSON-RPC batch, unless there is only one. Answers in order. */
  askAll(requests: readonly RpcRequest[]): Promise<RpcAnswer[]>;
  close(): void;
};

/** A JSON-RPC client for the proxy: `node:http` with kept-alive connections, and no retries. */
export function createUpstream(target: string): Upstream {
  const agent = new Agent({ keepAlive: true });

  const post = (body: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const headers = {
        "content-type": "application/json",
        "content-length": Buffer.byteLength(body),
      };
      const outgoing = httpRequest(target, { method: "POST", agent, headers }, (response) => {
        text(response).then(resolve, reject);
      });
      outgoing.on("error", reject).end(body);
    });

  const askAll = async (requests: readonly RpcRequest[]): Promise<RpcAnswer[]> => {
    // Ids of our own: those of the caller may repeat, or be missing.
    const calls = requests.map(({ method, params }, id) => ({
      jsonrpc: "2.0",
      id,
      method,
      params,
    }));
    const body = JSON.stringify(calls.length === 1 ? calls[0] : calls);
    const messages = [JSON.parse(await post(body))].flat() as ({ id: number } & RpcAnswer)[];
    return calls.map(({ id }) => {
      const message = messages.find((candidate) => candidate.id === id);
      if (message === undefined) throw new Error(`no answer of ${target} to ${calls[id]?.method}`);
      return "error" in message ? { error: message.error } : { result: message.result };
    });
  };

  return {
    ask: async (request) => (await askAll([request]))[0]!,
    askAll,
    close: () => agent.destroy(),
  };
}
