export * from "../../../../node_modules/ox/_types/core/Hex.js";
