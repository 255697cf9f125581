import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

export interface LossyProxy {
  readonly url: string;
  /** The next request that contains this text reaches the server, but its connection breaks before the reply. */
  loseReplyTo(text: string): void;
  /** Breaks every connection that is open. */
  breakAll(): void;
  stop(): Promise<void>;
}

/** A TCP proxy before Redis that can lose the reply of a command that Redis did run. */
export async function startLossyProxy(target: number): Promise<LossyProxy> {
  let marker: string | undefined;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target, "127.0.0.1");
    let losing = false;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on("data", (data) => {
      if (marker !== undefined && data.includes(marker)) {
        losing = true;
        marker = undefined;
      }
      upstream.write(data);
    });
    upstream.on("data", (data) => {
      if (losing) client.destroy(); // Redis has answered, so it has run the command
      else client.write(data);
    });
  });
  const breakAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    loseReplyTo: (text) => (marker = text),
    breakAll,
    stop: async () => {
      breakAll();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
