export * from "../../../../node_modules/hono/dist/helper/route/index.js";
