/** What a server asks for. Where it is paid, it delivers. */
import { OFFER } from "../shop.ts";
import { AMOUNTS, LIFETIMES } from "./amounts.ts";
import { EXTENSIONS } from "./extensions.ts";
import { ACCOUNT } from "./meter.ts";
import { ask, askAt, before, deliver, MALFORMED, offer, type Behaviour } from "./server.ts";

const USDC = OFFER.asset;
const assets: Behaviour[] = [
  offer("names its own token USDC", { asset: `0x${"c2".repeat(20)}` }, ["refused unknown_asset"]),
  offer("wants the USDC of another network", { network: "eip155:8453" }, ["refused unknown_asset"]),
  offer("wants the zero address as token", { asset: `0x${"00".repeat(20)}` }, [
    "refused unknown_asset",
  ]),
  offer("writes the token with a wrong checksum", { asset: USDC.replace("CbD", "cBd") }, [
    "refused scheme",
  ]),
  offer("writes the token as 0X", { asset: USDC.replace("0x", "0X") }, ["refused scheme"]),
  offer("writes the token as ICAP", { asset: "XE7338O073KYGTWWZN0F2WZ0R8PX5ZPPZS" }, [
    "refused scheme",
  ]),
  offer("writes the token with a space", { asset: `${USDC} ` }, ["refused scheme"]),
  offer("writes the token in upper case", { asset: `0x${USDC.slice(2).toUpperCase()}` }, [200]),
  offer("gives the domain of another token", {}, [200], { name: "Bridged USDC", version: "1" }),
  offer("gives a domain that is no text", {}, ["refused scheme"], { name: { toString: "USDC" } }),
  offer("hides another contract in extra", {}, [200], {
    verifyingContract: `0x${"c2".repeat(20)}`,
    chainId: 1,
    domain: { verifyingContract: `0x${"c2".repeat(20)}` },
    value: "900000",
    to: `0x${"c2".repeat(20)}`,
  }),
  ...[
    "eip155:084532",
    "eip155:84532 ",
    "EIP155:84532",
    "eip155:1e5",
    "base-sepolia",
    "",
    84532,
  ].map((network) => offer(`names the network ${JSON.stringify(network)}`, { network }, MALFORMED)),
];

const payees: Behaviour[] = [
  offer("is paid at a name", { payTo: "vitalik.eth" }, ["refused scheme"]),
  offer("is paid at a wrong checksum", { payTo: USDC.replace("CbD", "cBd") }, ["refused scheme"]),
  offer("is paid at the zero address", { payTo: `0x${"00".repeat(20)}` }, [200]),
  offer("has the payer pay itself", { payTo: ACCOUNT.address }, [200]),
  offer("is paid at the token", { payTo: USDC }, [200]),
  {
    does: "changes the payee between calls",
    pinPayees: true,
    answer: ({ paid, payments }) =>
      paid ? deliver() : askAt(payments === 0 ? {} : { payTo: `0x${"c2".repeat(20)}` }),
    ends: [200, "refused payee_changed", "refused payee_changed"],
    signed: [1, 1],
  },
  {
    does: "offers one payee first and another one behind it",
    pinPayees: true,
    answer: ({ paid, payments }) => {
      const others = Array.from({ length: 9 }, (_entry, index) => ({
        ...OFFER,
        amount: "1",
        payTo: `0x${`c${index}`.repeat(20)}`,
      }));
      return paid ? deliver() : ask({ accepts: payments === 0 ? [OFFER] : [...others, OFFER] });
    },
    ends: [200, 200],
    signed: [2, 2],
  },
];

const schemes: Behaviour[] = [
  ...["escrow", "upfrond", "", {}, [], 1, false, ["upfront"], { toString: "upfront" }].map(
    (paymentFlow) =>
      offer(`wants the flow ${JSON.stringify(paymentFlow)}`, {}, ["refused flow"], { paymentFlow }),
  ),
  ...["erc7710", "approve", "", {}, 1].map((assetTransferMethod) =>
    offer(`wants ${JSON.stringify(assetTransferMethod)}`, {}, ["refused scheme"], {
      assetTransferMethod,
    }),
  ),
  ...["upto", "Exact", " exact", "exact\u0000", "constructor", "toString", "__proto__"].map(
    (scheme) => offer(`wants the scheme ${JSON.stringify(scheme)}`, { scheme }, ["refused scheme"]),
  ),
];

const dear = { ...OFFER, amount: "900000" };
const { amount: maxAmountRequired, network: __, ...terms } = OFFER;
const v1 = (change: object) => ({
  status: 402,
  body: JSON.stringify({
    x402Version: 1,
    error: "pay",
    accepts: [
      {
        ...terms,
        maxAmountRequired,
        network: "base-sepolia",
        resource: "r",
        description: "",
        mimeType: "",
        ...change,
      },
    ],
  }),
});

const lists: Behaviour[] = [
  {
    does: "hides a fair offer among dear ones",
    answer: before(ask({ accepts: [dear, dear, OFFER, dear] })),
    ends: [200],
  },
  {
    does: "offers only what is dear",
    answer: before(ask({ accepts: [dear, dear] })),
    ends: ["refused max_amount"],
  },
  { does: "offers nothing", answer: before(ask({ accepts: [] })), ends: ["refused no_offer"] },
  {
    does: "makes one offer in many names",
    answer: before(
      ask({
        accepts: Array.from({ length: 15 }, (_entry, index) => ({
          ...OFFER,
          payTo: `0x${(index + 10).toString(16).padStart(2, "0").repeat(20)}`,
        })),
      }),
    ),
    ends: [200],
  },
  {
    does: "offers more than a header holds",
    answer: before(ask({ accepts: Array.from({ length: 64 }, () => OFFER) })),
    ends: ["network error"],
  },
  {
    does: "makes 65 offers",
    answer: before({
      status: 402,
      body: v1({}).body.replace(
        /\[(.*)\]/,
        (_all, one: string) => `[${Array(65).fill(one).join()}]`,
      ),
    }),
    ends: MALFORMED,
  },
  {
    does: "has the dear offer last in one answer and first in the next",
    answer: ({ paid, payments }) =>
      paid ? deliver() : ask({ accepts: payments % 2 === 0 ? [OFFER, dear] : [dear, OFFER] }),
    ends: [200, 200, 200],
    signed: [3, 3],
  },
  { does: "asks in v1", answer: before(v1({})), ends: [200] },
  {
    does: "asks for too much in v1",
    answer: before(v1({ maxAmountRequired: "900000" })),
    ends: ["refused max_amount"],
  },
  {
    does: "names the amount in v1 as v2 does",
    answer: before(v1({ maxAmountRequired: undefined, amount: "1" })),
    ends: MALFORMED,
  },
  {
    does: "gives another network's token in v1",
    answer: before(v1({ network: "base" })),
    ends: ["refused unknown_asset"],
  },
  {
    does: "asks for little in the header and for more in the body",
    answer: before({ ...ask(), body: v1({ maxAmountRequired: "90000" }).body }),
    ends: [200],
  },
  {
    does: "has no price in the header and one in the body",
    answer: before({ ...ask({ accepts: [] }), body: v1({}).body }),
    ends: ["refused no_offer"],
  },
  {
    does: "wants the payment for another address",
    answer: before(ask({ resource: { url: "https://bank.example/", description: "\u001b[2J" } })),
    ends: [200],
  },
];

export const OFFERS: readonly Behaviour[] = [
  ...AMOUNTS,
  ...LIFETIMES,
  ...assets,
  ...payees,
  ...schemes,
  ...lists,
  ...EXTENSIONS,
];
