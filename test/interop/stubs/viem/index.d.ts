export * from "../../../../node_modules/viem/_types/index.js";
