export * from "../../../../node_modules/viem/_esm/actions/index.js";
