export * from "../../../../node_modules/hono/dist/types/utils/http-status.js";
