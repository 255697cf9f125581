export * from "../../../../node_modules/viem/_esm/tokens/index.js";
