export * from "../../../../node_modules/viem/_esm/index.js";
