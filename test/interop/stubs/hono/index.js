export * from "../../../../node_modules/hono/dist/index.js";
