/** A closed loop of keep-alive connections: each sends a request, reads the whole answer, and sends the next. */
import { connect, type Socket } from "node:net";

export interface Load {
  readonly port: number;
  readonly connections: number;
  /** The bytes of the next request; nothing when there are no more. */
  readonly next: () => Buffer | undefined;
}

export interface LoadResult {
  readonly answers: number;
  readonly seconds: number;
  /** Answers by status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** It ran out of requests before the time was over. */
  readonly ranDry: boolean;
}

export async function run(load: Load, seconds: number): Promise<LoadResult> {
  const statuses: Record<string, number> = {};
  const start = process.hrtime.bigint();
  const end = performance.now() + seconds * 1000;
  let ranDry = false;
  const loops = Array.from({ length: load.connections }, async () => {
    const connection = await open(load.port);
    while (performance.now() < end) {
      const request = load.next();
      if (request === undefined) {
        ranDry = true;
        break;
      }
      const status = await connection.ask(request);
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
    connection.socket.destroy();
  });
  await Promise.all(loops);
  const elapsed = Number(process.hrtime.bigint() - start) / 1e9;
  const answers = Object.values(statuses).reduce((a, b) => a + b, 0);
  return { answers, seconds: elapsed, statuses, ranDry };
}

async function open(port: number) {
  const socket = await new Promise<Socket>((resolve, reject) => {
    const made = connect({ port, host: "127.0.0.1", noDelay: true }, () => resolve(made));
    made.once("error", reject);
  });
  let waiting: ((status: string) => void) | undefined;
  let rest = "";
  socket.setEncoding("latin1");
  socket.on("data", (chunk: string) => {
    rest = rest === "" ? chunk : rest + chunk;
    const length = answerLength(rest);
    if (length === undefined || rest.length < length) return;
    const status = rest.slice(9, 12);
    rest = rest.slice(length);
    waiting?.(status);
  });
  return {
    socket,
    ask: (request: Buffer): Promise<string> =>
      new Promise((resolve) => {
        waiting = resolve;
        socket.write(request);
      }),
  };
}

/** Characters of the first answer in a text; nothing while its end is not known. */
function answerLength(text: string): number | undefined {
  const head = text.indexOf("\r\n\r\n");
  if (head < 0) return undefined;
  const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, head + 2));
  if (length !== null) return head + 4 + Number(length[1]);
  const end = text.indexOf("\r\n0\r\n\r\n", head);
  return end < 0 ? undefined : end + 7;
}
