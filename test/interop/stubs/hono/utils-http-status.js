export * from "../../../../node_modules/hono/dist/utils/http-status.js";
