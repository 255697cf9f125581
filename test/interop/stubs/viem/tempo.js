export * from "../../../../node_modules/viem/_esm/tempo/index.js";
