export * from "../../../../node_modules/viem/_esm/zksync/index.js";
