export * from "../../../../node_modules/ox/_esm/core/Hex.js";
