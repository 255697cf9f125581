export * from "../../../../node_modules/ox/_types/index.js";
