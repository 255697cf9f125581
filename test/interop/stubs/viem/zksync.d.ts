export * from "../../../../node_modules/viem/_types/zksync/index.js";
