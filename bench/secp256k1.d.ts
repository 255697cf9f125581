/** The part of `secp256k1` 5 that the benchmarks use. */
declare module "secp256k1" {
  const secp256k1: {
    ecdsaSign(
      digest: Uint8Array,
      privateKey: Uint8Array,
    ): { readonly signature: Uint8Array; readonly recid: number };
    /** @throws when there is no such point */
    ecdsaRecover(
      signature: Uint8Array,
      recoveryId: number,
      digest: Uint8Array,
      compressed: boolean,
    ): Uint8Array;
  };
  export default secp256k1;
}
