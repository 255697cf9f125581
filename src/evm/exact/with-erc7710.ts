import type { FacilitatorScheme, SchemePayment } from "../../core/scheme.ts";
import type { Erc7710Method } from "./erc7710.ts";
import type { Erc7710Payment } from "./erc7710-payload.ts";

/** The scheme, and the other method for payloads of the other form. */
export function withErc7710<P extends SchemePayment>(
  scheme: FacilitatorScheme<P>,
  method: Erc7710Method,
): FacilitatorScheme<P> {
  type Either = FacilitatorScheme<P | Erc7710Payment>;
  const of = (payment: P | Erc7710Payment): Either =>
    ("permissionContext" in payment ? method : scheme) as Either;
  const both: Either = {
    ...(scheme as Either),
    check(payload, requirements, nowSeconds) {
      const chosen = method.reads(payload.payload) ? method : scheme;
      return chosen.check(payload, requirements, nowSeconds);
    },
    paymentKey: (payment) => of(payment).paymentKey(payment),
    verifySignature: (payment, chain) => of(payment).verifySignature(payment, chain),
    authorize: (payment, chain, from) =>
      of(payment).authorize?.(payment, chain, from) ?? Promise.resolve(undefined),
    simulation: (payment) => of(payment).simulation(payment),
    diagnose: (payment, chain) => of(payment).diagnose(payment, chain),
    settlementCall: (payment) => of(payment).settlementCall(payment),
    outcome: (payment, logs) => of(payment).outcome(payment, logs),
    usage: (payment) => of(payment).usage(payment),
    used: (payment) => of(payment).used(payment),
    balance: (payment) => of(payment).balance(payment),
  };
  return both as FacilitatorScheme<P>;
}
