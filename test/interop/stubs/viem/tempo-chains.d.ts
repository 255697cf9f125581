export * from "../../../../node_modules/viem/_types/tempo/chains/index.js";
