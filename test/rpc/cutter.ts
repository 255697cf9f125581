import { connect, createServer, type AddressInfo, type Socket } from "node:net";

export interface Cutter {
  /** A websocket URL. */
  readonly url: string;
  /** Cuts what is open, and takes nothing new as long as it is true. */
  refuse(refuse: boolean): void;
  /** What is open stays open, and nothing comes through any more. */
  silence(): void;
  /** Connections passed on so far. */
  readonly connections: () => number;
  stop(): Promise<void>;
}

/** A TCP proxy in front of an RPC URL. */
export async function startCutter(target: string): Promise<Cutter> {
  const { port } = new URL(target);
  const open = new Set<Socket>();
  let refusing = false;
  let connections = 0;
  const server = createServer((socket) => {
    if (refusing) {
      socket.destroy();
      return;
    }
    connections += 1;
    const upstream = connect(Number(port), "127.0.0.1");
    for (const end of [socket, upstream]) {
      open.add(end);
      end.on("error", () => {});
      end.on("close", () => {
        open.delete(end);
        socket.destroy();
        upstream.destroy();
      });
    }
    socket.pipe(upstream).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cut = (): void => {
    for (const socket of open) socket.destroy();
  };
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    refuse(refuse) {
      refusing = refuse;
      if (refuse) cut();
    },
    silence() {
      for (const socket of open) {
        socket.unpipe();
        socket.resume();
      }
    },
    connections: () => connections,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        cut();
      }),
  };
}
