export * from "../../../../node_modules/ox/_types/tempo/index.js";
