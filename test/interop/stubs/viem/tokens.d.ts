export * from "../../../../node_modules/viem/_types/tokens/index.js";
