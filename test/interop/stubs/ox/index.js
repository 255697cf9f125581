export * from "../../../../node_modules/ox/_esm/index.js";
