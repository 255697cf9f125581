/** A publisher's site on a socket, over a facilitator and a local chain, with the page for people. */
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import type { AddressInfo } from "node:net";
import { deflateSync } from "node:zlib";
import { createFacilitator, evmChain } from "../../facilitator/index.ts";
import { paywall, type PaywallOptions } from "../../src/adapters/hono.ts";
import type { Facilitator } from "../../src/core/facilitator.ts";
import { exactEvmFacilitator } from "../../src/evm/facilitator.ts";
import { exactEvm, type EvmAsset } from "../../src/evm/index.ts";
import { htmlPaywall } from "../../src/html/index.ts";
import { memoryLedger } from "../../src/ledger/index.ts";
import { startLocalWorld, type LocalWorld } from "../../src/testing/index.ts";

export interface Shop {
  readonly world: LocalWorld;
  readonly url: string;
  /** The facilitator's next settlements: taken as they are, but answered only after so many failures. */
  failingSettlements: number;
  /** How often somebody came to where `/moved` leads. */
  arrivals: number;
  stop(): Promise<void>;
}

const REPORT = `<!doctype html><title>Report</title><style>h1 { color: rgb(1, 2, 3) }</style>
<h1>The report</h1><p id="by"></p><script>document.getElementById("by").textContent = "its own script ran"</script>`;

/** A chain that no wallet of the tests knows, and that has no public node in our table. */
export const UNKNOWN_CHAIN = "eip155:777777";

export async function openShop(): Promise<Shop> {
  const world = await startLocalWorld();
  const engine = createFacilitator({
    schemes: [exactEvmFacilitator()],
    ledger: memoryLedger(),
    chains: [
      evmChain({
        network: world.network,
        rpcUrls: [world.rpcUrl],
        signers: [world.accounts.facilitator.account],
      }),
    ],
  });
  const facilitator: Facilitator = {
    verify: (...call) => engine.verify(...call),
    supported: () => engine.supported(),
    async settle(...call) {
      const answer = await engine.settle(...call);
      if (shop.failingSettlements === 0) return answer;
      shop.failingSettlements -= 1;
      return { ...answer, success: false, errorReason: "settlement_pending" };
    },
  };
  const elsewhere: EvmAsset = {
    network: UNKNOWN_CHAIN,
    address: world.token,
    name: "USDC",
    version: "2",
    symbol: "TEST",
    decimals: 6,
    usd: true,
  };
  const options: PaywallOptions = {
    facilitator,
    schemes: [exactEvm({ assets: [elsewhere] })],
    network: world.network,
    payTo: world.accounts.payee.address,
    page: htmlPaywall({ name: "The Daily Test", assets: [elsewhere] }),
  };
  const paid = paywall(options);
  const guarded = paywall({
    ...options,
    onBeforeVerify: () => ({ abort: true, reason: "Not from here." }),
  });

  const app = new Hono();
  app.get("/report", paid("$0.01", { description: "Today's report" }), (c) => c.html(REPORT));
  app.get("/upfront", paid("$0.01", { settle: "before" }), (c) => c.html(REPORT));
  app.get("/guarded", guarded("$0.01"), (c) => c.html(REPORT));
  // As for a browser that takes no cookies.
  app.use("/cookieless", async (c, next) => {
    await next();
    c.res.headers.delete("Set-Cookie");
  });
  app.get("/cookieless", paid("$0.01"), (c) => c.html(REPORT));
  app.get("/data", paid("$0.01"), (c) => c.json({ report: 42 }));
  app.get("/picture", paid("$0.01"), (c) => c.body(PNG, 200, { "Content-Type": "image/png" }));
  app.get("/paper", paid("$0.01"), (c) =>
    c.body("%PDF-1.4 a paper", 200, {
      "Content-Type": "application/pdf",
      "Content-Disposition": 'attachment; filename="the paper.pdf"',
    }),
  );
  app.get("/target", (c) => {
    shop.arrivals += 1;
    return c.text("target");
  });
  app.get("/moved", paid("$0.01"), (c) => c.redirect("/target"));
  let isBroken = true;
  app.get("/broken", paid("$0.01"), (c) => {
    if (!isBroken) return c.text("mended");
    isBroken = false;
    return c.text("broken", 500);
  });
  app.get("/elsewhere", paid("$0.01", { network: UNKNOWN_CHAIN }), (c) => c.text("never"));
  app.get(
    "/choice",
    paid(
      [
        { price: "$0.02", network: "eip155:8453" },
        { price: "$0.01" },
        {
          price: {
            amount: "1230000000000000000",
            asset: "0x00000000000000000000000000000000000000AA",
            extra: { name: "Odd", version: "1" },
          },
        },
      ],
      { description: "A page with several prices" },
    ),
    (c) => c.text("chosen"),
  );
  const server = await new Promise<ReturnType<typeof serve>>((resolve) => {
    const started = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, () =>
      resolve(started),
    );
  });
  const shop: Shop = {
    world,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    failingSettlements: 0,
    arrivals: 0,
    async stop() {
      server.close();
      await engine.close();
      await world.stop();
    },
  };
  return shop;
}

/** A picture of 64 by 64 pixels, all of one colour. */
const PNG = png(64, 64);

function png(width: number, height: number): Uint8Array<ArrayBuffer> {
  const row = Buffer.concat([Buffer.from([0]), Buffer.alloc(width * 3, 0x55)]);
  const pixels = deflateSync(Buffer.concat(Array.from({ length: height }, () => row)));
  const size = Buffer.alloc(13);
  size.writeUInt32BE(width, 0);
  size.writeUInt32BE(height, 4);
  size.set([8, 2, 0, 0, 0], 8);
  const parts = [chunk("IHDR", size), chunk("IDAT", pixels), chunk("IEND", Buffer.alloc(0))];
  return new Uint8Array(Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), ...parts]));
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

/** CRC of a PNG's chunk (ISO 3309); Node has one from 22.2 on. */
function crc32(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
