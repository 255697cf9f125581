export * from "../../../../node_modules/hono/dist/types/index.js";
