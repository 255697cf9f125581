/** Everything that the page says, in English; `{…}` is filled in. Publishers may replace any of it. */
export const TEXT = {
  title: "Payment required",
  network: "Network",
  chain: "chain {chainId}",
  testNetwork: "test money only",
  payTo: "Paid to",
  token: "Token",
  choose: "Choose what to pay with",
  unknownToken:
    "This token is not known here. The price is in its smallest units: look at what your wallet shows before you sign.",
  unpayable: "Not payable from a browser.",
  nothingPayable:
    "None of these can be paid from a browser. An agent that speaks x402 may be able to.",
  loading: "Looking for wallets …",
  noScript:
    "To pay here the page needs JavaScript: it asks a wallet in this browser for a signature. Nothing else is loaded, and nothing is sent to anybody but this site.",
  how: "How does this work?",
  howText:
    "The site asks for a small payment by the open x402 protocol (HTTP status 402). Your wallet signs a transfer of exactly this amount to exactly this address. You pay no network fee, and nobody can take more. If the transfer does not happen, nothing is charged.",
  agents:
    "Programs can pay too: the offer stands in the PAYMENT-REQUIRED header of this answer; send the request again with a signed payment in PAYMENT-SIGNATURE.",
  support: "Help",

  wallets: "Pay {price}",
  payWith: "Pay with {wallet}",
  browserWallet: "browser wallet",
  noWallet:
    "No wallet was found in this browser. Install one (a browser extension, or open this page in a wallet's own browser) that has {token} on {network}; then reload the page.",
  account: "Account {account}",
  balance: "balance {balance}",

  connecting: "Allow {wallet} to show your account to this page.",
  switching: "Your wallet is on another network. Let it switch to {network}.",
  signing: "Confirm the payment of {price} in {wallet}.",
  sending: "Signed. Waiting for the payment to be settled …",
  resuming: "A payment for this page is under way. Asking for its result …",
  again: "Not settled yet. Asking again in {seconds} s, with the same payment.",
  opening: "Paid. Opening the page …",
  paid: "Paid {price}.",
  transaction: "Transaction {transaction}",

  notPaid: "You have not paid",
  notKnown: "Your payment is not settled yet",
  wasPaid: "The payment was used",
  rejected: "The request was rejected in the wallet. Nothing was signed.",
  alreadyAsking: "The wallet is already asking something. Open it, answer, and try again.",
  noAccount: "The wallet gave no account. Unlock it, choose an account, and try again.",
  wrongNetwork: "The wallet is not on {network}. Switch it there, and try again.",
  unknownNetwork:
    "The wallet does not know {network} (chain {chainId}). Add it there, and try again.",
  poor: "This account has {balance}; the price is {price}. Add to it on {network}, or choose another account.",
  walletFailed: "The wallet could not do it: {message}",
  refusedPoor:
    "The account does not have {price} on {network}. Add to it, or choose another account.",
  refusedTime:
    "The payment expired before it was settled: it was confirmed too late, or this device's clock is wrong. Try again.",
  refused: "The server refused the payment: {reason}",
  priceChanged: "The price or its terms changed. Reload the page to see the new ones.",
  used: "The server says that this payment was used already and cannot give its answer again. Look into your wallet's history before you pay a second time.",
  elsewhere:
    "The server says that this payment was made for another page. Look into your wallet's history before you pay again.",
  unknown:
    "The server cannot say yet whether the payment was settled. Ask again in a while: the same payment is presented, and you cannot be charged twice.",
  serverFailed:
    "The server answered with an error ({status}). Ask again in a while: the same payment is presented, and you cannot be charged twice.",

  tryAgain: "Try again",
  askAgain: "Ask again",
  reload: "Reload the page",
  startOver: "Pay again with a new payment",

  download: "Download {name}",
  contentIsHere: "This is what you bought:",
  cannotShow:
    "The page was paid but could not be opened in place (cookies may be blocked, or it is too large to be kept). Save it as a file:",
} as const;

export type TextKey = keyof typeof TEXT;
/** Replacements by key. */
export type PageText = { readonly [Key in TextKey]?: string };

/** A text with its blanks filled in. Blanks that nobody fills stay as they are. */
export function say(
  text: PageText,
  key: TextKey,
  blanks: Readonly<Record<string, string | number>> = {},
): string {
  return (text[key] ?? TEXT[key]).replace(/\{(\w+)\}/g, (whole, name: string) =>
    Object.hasOwn(blanks, name) ? String(blanks[name]) : whole,
  );
}
