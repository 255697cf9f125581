export * from "../../../../node_modules/viem/_esm/tempo/chains/index.js";
