export * from "../../../../node_modules/hono/dist/types/helper/route/index.js";
