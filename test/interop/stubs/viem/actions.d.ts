export * from "../../../../node_modules/viem/_types/actions/index.js";
