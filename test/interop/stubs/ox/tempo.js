export * from "../../../../node_modules/ox/_esm/tempo/index.js";
