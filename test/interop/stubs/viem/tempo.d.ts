export * from "../../../../node_modules/viem/_types/tempo/index.js";
