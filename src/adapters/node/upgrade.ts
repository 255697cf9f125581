/** Paid upgrades: requests that a Node server does not give to its listener, but to `server.on("upgrade")`. */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Answer } from "../../server/gate.ts";
import type { PaywallOptions, RouteOptions } from "../../server/options.ts";
import { createPaywall } from "../../server/paywall.ts";
import type { Accepts } from "../../server/route.ts";
import { nodeRequest } from "./request.ts";
import { onceOnly, SWITCHED } from "../shared/switched.ts";

export type UpgradeListener = (req: IncomingMessage, socket: Duplex, head: Buffer) => unknown;

/**
 * A paywall for upgrades: `server.on("upgrade", paid("$0.01", (req, socket, head) => …))`. A payment opens one
 * connection, and is settled before. The listener answers on the socket, so that there is no receipt.
 *
 * @throws TypeError for options or prices that cannot work, when the listener is made.
 */
export function upgradePaywall(options: PaywallOptions) {
  const { gate } = createPaywall(options);
  return (
    accepts: Accepts,
    listener: UpgradeListener,
    route?: Omit<RouteOptions, "settle">,
  ): ((req: IncomingMessage, socket: Duplex, head: Buffer) => Promise<void>) => {
    const guard = gate(accepts, { ...route, settle: "before" });
    return async (req, socket, head) => {
      // A socket without listener throws what its client does.
      socket.on("error", () => socket.destroy());
      const decision = await guard(nodeRequest(req));
      if ("answer" in decision) return refuse(socket, onceOnly(decision.answer));
      if (!("free" in decision)) {
        if (socket.destroyed) return decision.abandon();
        await decision.finish(SWITCHED);
      }
      await listener(req, socket, head);
    };
  };
}

/** Says no in HTTP/1.1, and closes. */
function refuse(socket: Duplex, { status, headers, body }: Answer): void {
  if (socket.destroyed) return;
  const bytes = body === null || body instanceof ReadableStream ? "" : body;
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    [value].flat().map((each) => `${name}: ${each}`),
  );
  const length = typeof bytes === "string" ? Buffer.byteLength(bytes) : bytes.byteLength;
  lines.push(`content-length: ${length}`, "connection: close");
  socket.write(`HTTP/1.1 ${status} \r\n${lines.join("\r\n")}\r\n\r\n`);
  socket.end(bytes);
}
