/** The page's script: shows the wallets, has one sign, presents the payment, and opens what was bought. */
import { DATA_ID, type PageData, type PayableOffer } from "../page-data.ts";
import { say, type TextKey } from "../text.ts";
import { accountLine, amountText } from "./account.ts";
import { isPage, opensByReload, showContent } from "./content.ts";
import { tell, type Telling } from "./outcome.ts";
import { findPending, forgetPending, keepPending, type Pending } from "./pending.ts";
import { present, type Outcome } from "./present.ts";
import { Problem } from "./problem.ts";
import { signPayment } from "./sign.ts";
import { createView } from "./view.ts";
import { connect, connectedAccount, isOnChain, readBalance, switchChain } from "./wallet-calls.ts";
import { findWallets, type Wallet } from "./wallets.ts";

/** Who is here again within this time after a reload was not let in by it: cookies do not work. */
const RELOAD_MS = 15_000;

const data = JSON.parse(document.getElementById(DATA_ID)?.textContent ?? "") as PageData;
const demand = data.paymentRequired;
const t = (key: TextKey, blanks?: Record<string, string | number>) => say(data.text, key, blanks);
const view = createView();
const line = accountLine(offer, t, view.account, () => {
  if (!busy && findPending() === undefined) view.clearProblem();
});
/** One thing at a time: a payment that is being signed or presented. */
let busy = false;
let started = false;

const pending = findPending();
if (pending === undefined) start();
else void resume(pending);

/** Offers the wallets of this browser, from now on. */
function start(): void {
  if (started || data.offers.length === 0) return;
  started = true;
  let found: readonly Wallet[] = [];
  const show = () => {
    const rows = found.map((wallet) => ({ label: t("payWith", { wallet: wallet.name }), wallet }));
    view.wallets(t("wallets", { price: offer().price }), rows, (wallet) => void pay(wallet));
  };
  view.status(t("loading"));
  findWallets(
    t("browserWallet"),
    (wallets) => {
      const fresh = wallets.at(-1);
      if (found.length === 0 && !busy) view.status("");
      found = wallets;
      show();
      if (fresh !== undefined) line.follow(fresh);
    },
    () => {
      const { symbol, network } = offer();
      if (!busy) view.status(t("noWallet", { token: symbol, network }));
    },
  );
  document.addEventListener("change", () => {
    if (found.length > 0) show();
    line.refresh();
  });
}

/** The offer that is chosen, or the only one. */
function offer(): PayableOffer {
  const input = document.querySelector<HTMLInputElement>("input[name=offer]:checked");
  const wanted = data.offers.find(({ index }) => String(index) === input?.value) ?? data.offers[0];
  if (wanted === undefined) throw new RangeError("nothing can be paid here");
  return wanted;
}

/** Everything between a click on a wallet and the content. Signs at most once, and not while a payment is open. */
async function pay(wallet: Wallet): Promise<void> {
  if (busy) return;
  const open = findPending();
  if (open !== undefined) return resume(open);
  busy = true;
  view.clearProblem();
  line.choose(wallet);
  const wanted = offer();
  let header: string;
  try {
    header = await sign(wallet, wanted);
  } catch (error) {
    busy = false;
    const { key, blanks } =
      error instanceof Problem ? error : new Problem("walletFailed", { message: String(error) });
    view.status("");
    showProblem({ title: "notPaid", key, blanks, next: "try-again" });
    return;
  }
  const signed = { header, price: wanted.price };
  // Before it is presented: a page that is reloaded right now continues with it.
  keepPending(signed);
  busy = false;
  await resume(signed, "sending");
}

/** Connects, switches, looks at the balance, and has the wallet sign. @throws Problem */
async function sign(wallet: Wallet, wanted: PayableOffer): Promise<string> {
  const { price, network } = wanted;
  view.status(t("connecting", { wallet: wallet.name }), true);
  let account = await connect(wallet);
  if (!(await isOnChain(wallet, wanted))) {
    view.status(t("switching", { network }), true);
    await switchChain(wallet, wanted);
    // Some wallets change the account along with the chain.
    account = (await connectedAccount(wallet)) ?? account;
  }
  line.refresh();
  const balance = await readBalance(wallet, wanted, account);
  if (balance !== undefined && balance < BigInt(demand.accepts[wanted.index]?.amount ?? 0))
    throw new Problem("poor", { balance: amountText(balance, wanted), price, network });
  view.status(t("signing", { price, wallet: wallet.name }), true);
  return await signPayment(wallet, account, wanted, demand);
}

/** Goes on with a payment that is signed. */
async function resume(known: Pending, telling: TextKey = "resuming"): Promise<void> {
  if (busy) return;
  busy = true;
  view.clearProblem();
  view.status(t(telling), true);
  try {
    await deliver(known);
  } catch {
    // Not of the payment: what came could not be shown.
    view.status("");
    showProblem({ title: "notKnown", key: "unknown", blanks: {}, next: "ask-again" });
  } finally {
    busy = false;
  }
}

/** Presents a payment until its fate is known, then opens the content or says what happened. */
async function deliver(known: Pending): Promise<void> {
  const { header, price, openedAtMs } = known;
  const isBack = openedAtMs !== undefined && Date.now() - openedAtMs < RELOAD_MS;
  const ask = (): Promise<Outcome> =>
    present(
      header,
      demand,
      (response) => !isBack && opensByReload(response),
      (seconds) => view.status(t("again", { seconds }), true),
    );
  let outcome = await ask();
  if (!isBack && outcome.kind === "paid" && outcome.content && isPage(outcome.response)) {
    // A streamed answer is stored once it has come whole: the same payment may find it there, to be opened by a reload.
    const again = await ask();
    if (again.kind === "paid") outcome = again;
  }
  if (outcome.kind === "paid") {
    // Still kept: what a reload loses, or the buyer reloads, is not paid for again as long as the server has it.
    keepPending({ ...known, openedAtMs: Date.now() });
    if (outcome.content === undefined) {
      view.status(t("opening"), true);
      location.reload();
    } else await showContent(outcome.response, outcome.content, price, data.text);
    return;
  }
  view.status("");
  const { network = "" } = data.offers.find((candidate) => candidate.price === price) ?? {};
  const telling = tell(outcome, { price, network });
  if (telling.next === "ask-again") {
    view.hideWallets();
    showProblem(telling);
    return;
  }
  forgetPending();
  start();
  // What was delivered once and is kept no longer is a new visit: nothing is owed, and nothing went wrong.
  if (openedAtMs === undefined) showProblem(telling);
}

function showProblem({ title, key, blanks, next }: Telling): void {
  const actions = {
    "try-again": { label: t("tryAgain"), run: backToWallets },
    "pay-anew": { label: t("startOver"), run: backToWallets },
    reload: { label: t("reload"), run: () => location.reload() },
    "ask-again": {
      label: t("askAgain"),
      run() {
        const open = findPending();
        if (open !== undefined) void resume(open);
      },
    },
  };
  view.problem(t(title), t(key, blanks), actions[next]);
}

function backToWallets(): void {
  view.clearProblem();
  view.focusWallets();
}
