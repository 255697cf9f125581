export * from "../../../../node_modules/viem/_types/chains/index.js";
