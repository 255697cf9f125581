/** A TCP proxy that breaks connections, requests and replies where it is told to. */
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { bodyStart, garble, headerOf, messageEnd, type Garbage } from "./messages.ts";

/** A place in a reply: so many bytes after its first, or the first of its body; before its last byte; behind it. */
export type Place = { readonly from: "start" | "body"; readonly bytes: number } | "last" | "end";

export type Fault =
  /** The connection is reset after so much of the request was passed on. */
  | { readonly kind: "cut request"; readonly part: number; readonly how: Cut }
  | { readonly kind: "cut reply"; readonly at: Place; readonly how: Cut; readonly drained: boolean }
  /** The rest comes after this time. */
  | { readonly kind: "late request"; readonly ms: number }
  | {
      readonly kind: "late reply";
      readonly at: Place;
      readonly ms: number;
      readonly drained: boolean;
    }
  /** The server gets it twice; the reply is the one to the first, or to the second. */
  | { readonly kind: "twice"; readonly reply: 0 | 1; readonly apartMs: number }
  | { readonly kind: "garbled request"; readonly how: Garbage }
  | { readonly kind: "garbled reply"; readonly how: Garbage };

export type Cut = "rst" | "fin";
export type Leg = "unpaid" | "paid";

export interface Plan {
  /** For each leg, what happens to its exchanges, in their order; nothing to the later ones. */
  readonly unpaid: readonly (Fault | undefined)[];
  readonly paid: readonly (Fault | undefined)[];
  /** Connections that are reset as soon as they come, by number. */
  readonly refused: readonly number[];
  /** Whether a connection ends with each reply. */
  readonly oneEach: boolean;
}

export interface BreakingProxy {
  readonly url: string;
  /** What has happened so far. */
  readonly log: readonly string[];
  start(plan: Plan): void;
  stop(): Promise<void>;
}

/** Passes everything on until it is started. */
export async function openProxy(port: number): Promise<BreakingProxy> {
  let plan: Plan = { unpaid: [], paid: [], refused: [], oneEach: false };
  let faults = { unpaid: [...plan.unpaid], paid: [...plan.paid] };
  let connections = 0;
  const log: string[] = [];
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    // Bytes leave when they are written.
    return socket
      .setNoDelay(true)
      .on("error", () => undefined)
      .once("close", () => sockets.delete(socket));
  };

  const server = createServer((client) => {
    keep(client);
    if (plan.refused.includes(connections++)) {
      log.push("refused");
      client.resetAndDestroy();
      return;
    }
    let waiting = Buffer.alloc(0);
    let busy = false;
    const work = async (): Promise<void> => {
      const end = messageEnd(waiting);
      if (busy || end === undefined) return;
      busy = true;
      const request = waiting.subarray(0, end);
      waiting = waiting.subarray(end);
      const leg = headerOf(request, "payment-signature") === undefined ? "unpaid" : "paid";
      const fault = faults[leg].shift();
      log.push(`${leg}: ${JSON.stringify(fault ?? "as it is")}`);
      await exchange(client, request, fault);
      if (plan.oneEach) client.end();
      busy = false;
      await work();
    };
    client.on("data", (chunk) => {
      waiting = Buffer.concat([waiting, chunk]);
      void work();
    });
  });

  async function exchange(client: Socket, request: Buffer, fault: Fault | undefined) {
    const open = () => keep(connect(port, "127.0.0.1"));
    const upstream = open();
    client.setMaxListeners(100).once("close", () => {
      if (!(fault && "drained" in fault && fault.drained)) upstream.destroy();
    });
    if (fault?.kind === "cut request") {
      upstream.write(request.subarray(0, Math.floor(request.length * fault.part)));
      await sleep(10);
      cut(upstream, fault.how);
      cut(client, fault.how);
      return;
    }
    if (fault?.kind === "late request") await sleep(fault.ms);
    upstream.write(fault?.kind === "garbled request" ? garble(request, fault.how) : request);
    if (fault?.kind !== "twice") return await passOn(upstream, client, fault);
    if (fault.apartMs > 0) await sleep(fault.apartMs);
    const second = open();
    second.write(request);
    const [chosen, other] = fault.reply === 0 ? [upstream, second] : [second, upstream];
    other.resume();
    client.once("close", () => other.destroy());
    await passOn(chosen, client, undefined);
  }

  /** Reads a reply to its end, and passes it on as far as the fault lets it. */
  function passOn(upstream: Socket, client: Socket, fault: Fault | undefined): Promise<void> {
    return new Promise((resolve) => {
      let reply = Buffer.alloc(0);
      let passed = 0;
      let open = fault !== undefined && "at" in fault;
      const pass = (to: number) => {
        if (to > passed && client.writable) client.write(reply.subarray(passed, to));
        passed = Math.max(passed, to);
      };
      /** As far as is known now, and whether that is the place. */
      const reach = (): { to: number; there: boolean } => {
        const end = messageEnd(reply);
        if (!open || fault === undefined || !("at" in fault))
          return { to: reply.length, there: false };
        const { at } = fault;
        if (at === "end" || at === "last")
          return end === undefined
            ? { to: Math.max(0, reply.length - 1), there: false }
            : { to: at === "end" ? end : end - 1, there: true };
        const base = at.from === "start" ? 0 : bodyStart(reply);
        if (base === undefined || reply.length === 0) return { to: 0, there: false };
        const to = Math.min(base + at.bytes, end ?? Number.POSITIVE_INFINITY);
        return { to: Math.min(to, reply.length), there: reply.length >= to };
      };
      const look = async (): Promise<void> => {
        if (fault?.kind === "garbled reply") return;
        const { to, there } = reach();
        pass(to);
        if (!there || fault === undefined) return;
        open = false;
        if (fault.kind === "cut reply") {
          if (!fault.drained) upstream.destroy();
          await sleep(5); // what was passed on is there first
          cut(client, fault.how);
        } else if (fault.kind === "late reply") {
          await sleep(fault.ms);
          pass(reply.length);
        }
      };
      let looking = Promise.resolve();
      upstream.on("data", (chunk) => {
        reply = Buffer.concat([reply, chunk]);
        looking = looking.then(look);
        if (messageEnd(reply) !== undefined) void looking.then(finish);
      });
      upstream.once("close", () => void looking.then(finish));
      const finish = () => {
        if (fault?.kind === "garbled reply" && reply.length > 0) {
          const broken = garble(reply, fault.how);
          reply = Buffer.alloc(0);
          // What says that there is more than there is ends here.
          client.end(broken);
        } else if (messageEnd(reply) === undefined && client.writable) client.end();
        upstream.destroy();
        resolve();
      };
    });
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    log,
    start(next) {
      plan = next;
      faults = { unpaid: [...next.unpaid], paid: [...next.paid] };
      connections = 0;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function cut(socket: Socket, how: Cut): void {
  if (how === "rst") socket.resetAndDestroy();
  else socket.end(() => socket.destroy());
}
