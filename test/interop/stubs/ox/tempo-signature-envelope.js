export * from "../../../../node_modules/ox/_esm/tempo/SignatureEnvelope.js";
