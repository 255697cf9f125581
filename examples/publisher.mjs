// A server with a paid route.
//   FACILITATOR_URL=http://127.0.0.1:4022 PAY_TO=0x… node examples/publisher.mjs
import { serve } from "@hono/node-server";
import { exactEvm } from "farthing/evm";
import { paywall } from "farthing/hono";
import { Hono } from "hono";

const paid = paywall({
  facilitator: process.env.FACILITATOR_URL ?? "http://127.0.0.1:4022",
  schemes: [exactEvm()],
  network: "eip155:84532", // Base Sepolia
  payTo: process.env.PAY_TO,
});

const app = new Hono();
app.get("/", (c) => c.text("GET /report costs a cent."));
app.get("/report", paid("$0.01", { description: "Today's report" }), (c) =>
  c.json({ report: "The answer is 42.", paidBy: c.get("payment").payer }),
);

serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 3000) }, ({ port }) => {
  console.log(`Publisher listening on http://127.0.0.1:${port}`);
});
