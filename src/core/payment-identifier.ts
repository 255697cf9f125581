/** Extension `payment-identifier`: the client names its payment, so that retries are told from new purchases. */
import { X402Error } from "./errors.ts";
import type { PaymentPayload } from "./messages.ts";

export const PAYMENT_IDENTIFIER = "payment-identifier";

const ID = /^[A-Za-z0-9_-]{16,128}$/;

/** What a 402 declares. */
export function declarePaymentIdentifier(required: boolean): Record<string, unknown> {
  return {
    [PAYMENT_IDENTIFIER]: {
      info: { required },
      schema: {
        $schema: "https://json-schema.org/draft/2020-12/schema",
        type: "object",
        properties: {
          required: { type: "boolean" },
          id: { type: "string", minLength: 16, maxLength: 128, pattern: "^[a-zA-Z0-9_-]+$" },
        },
        required: ["required"],
      },
    },
  };
}

/**
 * The identifier of a payment; empty when it has none.
 *
 * @throws X402Error `malformed_payment` when it is malformed, or `required` and absent.
 */
export function identifierOf({ extensions }: PaymentPayload, required: boolean): string {
  const path = `extensions.${PAYMENT_IDENTIFIER}.info.id`;
  const id = field(field(extensions?.[PAYMENT_IDENTIFIER], "info"), "id");
  if (id === undefined || id === null) {
    if (required) throw new X402Error("malformed_payment", `${path}: is required here`);
    return "";
  }
  if (typeof id !== "string" || !ID.test(id))
    throw new X402Error("malformed_payment", `${path}: must be 16 to 128 of A-Z a-z 0-9 _ -`);
  return id;
}

/**
 * What a payment says in this extension, where a 402 declares it: a new identifier. It is never published, so that nobody
 * but who paid can ask for the response again.
 */
export function newIdentifier(declared: Record<string, unknown>): Record<string, unknown> {
  const extension = declared[PAYMENT_IDENTIFIER];
  const info = field(extension, "info");
  if (typeof extension !== "object" || typeof info !== "object") return {};
  const id = `pay_${crypto.randomUUID().replaceAll("-", "")}`;
  return { [PAYMENT_IDENTIFIER]: { ...extension, info: { ...info, id } } };
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}
