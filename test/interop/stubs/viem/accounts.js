export * from "../../../../node_modules/viem/_esm/accounts/index.js";
