/** Which priced routes an Express app has. */
import express from "express";
import express4 from "express4";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { assertMounted, paymentMiddleware } from "../../src/adapters/express.ts";
import { exactEvm } from "../../src/evm/index.ts";
import { fakeFacilitator, NETWORK, PAY_TO } from "../server/world.ts";

const options = {
  facilitator: fakeFacilitator(),
  schemes: [exactEvm()],
  network: NETWORK,
  payTo: PAY_TO,
};
const accepts = { price: "$0.01" };
const HERE = fileURLToPath(new URL(".", import.meta.url));

describe.each([
  ["express 5", express],
  ["express 4", express4],
])("assertMounted, %s", (_, create) => {
  const app = create();
  app.use(express.json());
  app.use(paymentMiddleware({}, options));
  app.get("/report", (_req, res) => void res.send(""));
  app.post("/items/:id", (_req, res) => void res.send(""));
  app.all("/any", (_req, res) => void res.send(""));
  const router = create.Router();
  router.get("/daily", (_req, res) => void res.send(""));
  const inner = create.Router();
  inner.get("/deep/:name", (_req, res) => void res.send(""));
  router.use("/inner", inner);
  app.use("/reports", router);
  app.use("/files", express.static(HERE));
  app.use("/other", create());
  app.use("/hook", (_req, res) => void res.send(""));

  test.each([
    "GET /report",
    "/report",
    "GET /REPORT/",
    "POST /items/[id]",
    "POST /items/:id",
    "POST /items/7",
    "DELETE /any",
    "GET /reports/daily",
    "/reports/*",
    "GET /reports/inner/deep/:x",
    "/reports/inner/*",
    "GET /files/*",
    "GET /files/a.pdf",
    "GET /other/x",
    "GET /hook",
  ])("%s is there", (key) => {
    expect(() => assertMounted(app, { [key]: { accepts } })).not.toThrow();
  });

  test.each([
    "GET /raport",
    "POST /report",
    "GET /items/7",
    "GET /reports/weekly",
    "GET /reports/inner/deep",
    "/daily",
    "GET /",
  ])("%s is not", (key) => {
    expect(() => assertMounted(app, { "GET /report": { accepts }, [key]: { accepts } })).toThrow(
      `"${key}"`,
    );
  });
});
