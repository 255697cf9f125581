/** `farthing/client/x402`: scheme objects of the reference packages (`@x402/*`) here, and ours there. */
import { X402Error } from "../core/errors.ts";
import { PaymentRequirements } from "../core/messages.ts";
import {
  networkFromV1,
  networkToV1,
  PaymentRequirementsV1,
  requirementsFromV1,
} from "../core/messages-v1.ts";
import { isNetwork, networkFamily } from "../core/network.ts";
import { parseValue } from "../core/parse.ts";
import type { ClientScheme } from "../core/scheme.ts";

/** What the reference calls `SchemeNetworkClient`, as far as it is used here. */
export interface X402SchemeClient {
  readonly scheme: string;
  createPaymentPayload(
    x402Version: number,
    requirements: PaymentRequirements & { readonly extra: Record<string, unknown> },
    context?: { readonly maxAmountPerPayment?: string },
  ): Promise<{ readonly payload: Record<string, unknown> }>;
}

export interface FromX402SchemeOptions {
  /** Networks as in the reference's `register`: `"eip155:84532"`, or `"eip155:*"` for all of a family. */
  readonly network: string;
  /** For example `new ExactEvmScheme(signer)`. */
  readonly client: X402SchemeClient;
  /** What the reference's `registerV1` is given, for version 1; default: `client`, whose payloads are the same on EVM. */
  readonly clientV1?: X402SchemeClient;
  /** Tokens that may be paid with: `exactEvm().asset`. The scheme's own table is not asked. */
  readonly asset: ClientScheme["asset"];
}

/** Their clock may have moved on by this much since they were asked. */
const CLOCK_SECONDS = 10;

/**
 * A scheme object of the reference as one of ours. It is asked for a payment of limited lifetime, and what it signs is
 * compared with what was asked: on EVM token, payee, amount and end; what it signs on other chains is its own matter.
 * Extensions that it would add to a payment are not sent. To look up what became of its payments, add ours:
 * `{ ...fromX402Scheme(…), fate: exactEvm({ chain }).fate }`.
 *
 * @throws TypeError for options that cannot work.
 */
export function fromX402Scheme(options: FromX402SchemeOptions): ClientScheme {
  const { network, client, clientV1, asset } = options;
  const family = networkFamily(network);
  const isWhole = network === `${family}:*`;
  if (!isNetwork(isWhole ? `${family}:0` : network)) {
    throw new TypeError(
      `fromX402Scheme: network "${network}" is neither a network such as "eip155:8453" nor "eip155:*"`,
    );
  }
  for (const given of clientV1 === undefined ? [client] : [client, clientV1]) {
    if (typeof given.createPaymentPayload !== "function" || given.scheme !== client.scheme) {
      throw new TypeError("fromX402Scheme: client and clientV1 are not clients of one scheme");
    }
    if ("schemeHooks" in given) {
      throw new TypeError(
        `fromX402Scheme: the scheme "${given.scheme}" has hooks, which need the reference's own client`,
      );
    }
  }
  const { scheme } = client;
  const isOurs = (asked: string): boolean =>
    isWhole ? networkFamily(asked) === family : asked === network;
  return {
    scheme,
    family,
    asset,
    supports: (requirements) => requirements.scheme === scheme && isOurs(requirements.network),
    async createPayload(requirements, { nowSeconds, lifetimeSeconds, x402Version, instead }) {
      if (instead !== undefined) throw new TypeError("this scheme cannot sign instead of another");
      const asked = {
        ...structuredClone(requirements),
        extra: structuredClone(requirements.extra ?? {}),
        maxTimeoutSeconds: lifetimeSeconds,
      };
      const context = { maxAmountPerPayment: asked.amount };
      const result =
        x402Version === 1 && clientV1 !== undefined
          ? await clientV1.createPaymentPayload(1, toV1(asked), context)
          : await client.createPaymentPayload(2, asked, context);
      // What is compared is what is sent.
      const payload = JSON.parse(JSON.stringify(result.payload)) as Record<string, unknown>;
      const wrong =
        family === "eip155"
          ? wrongField(payload, requirements, nowSeconds + lifetimeSeconds + CLOCK_SECONDS)
          : undefined;
      if (wrong === undefined) return payload;
      throw new X402Error(
        "payment_refused",
        `nothing was paid: the scheme signed something else than was asked (${wrong})`,
      );
    },
  };
}

/** Requirements as a v1 offer has them. */
function toV1<T extends PaymentRequirements>(requirements: T): T {
  const v1 = {
    ...requirements,
    network: networkToV1(requirements.network),
    maxAmountRequired: requirements.amount,
    resource: "",
    description: "",
    mimeType: "",
  };
  return v1;
}

/** What an EVM payload says otherwise than it should; it is an authorization of EIP-3009 or of Permit2. */
function wrongField(
  payload: Record<string, unknown>,
  { asset, amount, payTo }: PaymentRequirements,
  endSeconds: number,
): string | undefined {
  const { authorization, permit2Authorization } = payload;
  const { permitted, witness, deadline } = fields(permit2Authorization);
  const { to, value, validBefore } =
    permit2Authorization === undefined
      ? fields(authorization)
      : {
          to: fields(witness)["to"],
          value: fields(permitted)["amount"],
          validBefore: deadline,
        };
  if (authorization !== undefined && permit2Authorization !== undefined) return "two methods";
  if (permit2Authorization !== undefined && !isSameText(fields(permitted)["token"], asset))
    return "token";
  if (!isSameText(to, payTo)) return "payee";
  if (value !== amount) return "amount";
  const isInTime = typeof validBefore === "string" && /^\d{1,15}$/.test(validBefore);
  return isInTime && Number(validBefore) <= endSeconds ? undefined : "end";
}

const fields = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};

const isSameText = (value: unknown, wanted: string): boolean =>
  typeof value === "string" && value.toLowerCase() === wanted.toLowerCase();

export interface ToX402SchemeOptions {
  /** The longest that a payment may stay valid, whatever the server asks for; default 3600. */
  readonly maxLifetimeSeconds?: number;
}

/** What `new x402Client()` of the reference takes in `register` and `registerV1`. */
export interface FarthingSchemeClient {
  readonly scheme: string;
  /** Dollar tokens, to which the reference's limit of $1 applies; it pays with no others unless told. */
  findDefaultAsset(
    asset: string,
    network: string,
  ): { asset: string; decimals: number; symbol: string } | undefined;
  createPaymentPayload(
    x402Version: number,
    requirements: object,
  ): Promise<{
    x402Version: number;
    payload: Record<string, unknown>;
    /** In version 1. */
    scheme?: string;
    network?: string;
  }>;
}

/**
 * A scheme of ours for the reference's client: `new x402Client().register("eip155:*", toX402Scheme(exactEvm({ account })))`,
 * and `registerV1("base", …)` for version 1.
 *
 * @throws TypeError for options that cannot work.
 */
export function toX402Scheme(
  ours: ClientScheme,
  options: ToX402SchemeOptions = {},
): FarthingSchemeClient {
  const { maxLifetimeSeconds = 3600 } = options;
  if (!Number.isSafeInteger(maxLifetimeSeconds) || maxLifetimeSeconds <= 0) {
    throw new TypeError("maxLifetimeSeconds is not a positive whole number");
  }
  return {
    scheme: ours.scheme,
    findDefaultAsset(asset, name) {
      const network = isNetwork(name) ? name : networkFromV1(name);
      if (network === undefined) return undefined;
      const { scheme } = ours;
      const any = { scheme, network, asset, amount: "0", payTo: "", maxTimeoutSeconds: 1 };
      const known = ours.asset(any);
      if (known === undefined || !known.usd) return undefined;
      return { asset, decimals: known.decimals, symbol: known.symbol };
    },
    async createPaymentPayload(x402Version, offered) {
      const requirements = x402Version === 1 ? fromV1(offered) : fromV2(offered);
      if (requirements === undefined || !ours.supports(requirements)) {
        throw new X402Error(
          "payment_refused",
          "nothing was paid: the scheme cannot pay this offer",
        );
      }
      const payload = await ours.createPayload(requirements, {
        nowSeconds: Math.floor(Date.now() / 1000),
        lifetimeSeconds: Math.min(requirements.maxTimeoutSeconds, maxLifetimeSeconds),
        x402Version: x402Version === 1 ? 1 : 2,
      });
      if (x402Version !== 1) return { x402Version, payload };
      const { scheme, network } = offered as PaymentRequirementsV1;
      return { x402Version, scheme, network, payload };
    },
  };
}

const fromV2 = (offered: object) =>
  parseValue(PaymentRequirements, offered, "malformed_payment_required", "offer");

const fromV1 = (offered: object) =>
  requirementsFromV1(
    parseValue(PaymentRequirementsV1, offered, "malformed_payment_required", "v1 offer"),
  );
