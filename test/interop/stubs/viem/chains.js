export * from "../../../../node_modules/viem/_esm/chains/index.js";
