export * from "../../../../node_modules/viem/_types/accounts/index.js";
