export * from "../../../../node_modules/ox/_types/tempo/SignatureEnvelope.js";
