/** The parts of the page that change. What they say is given; how they are reached is here. */
import { element } from "./element.ts";
import type { Wallet } from "./wallets.ts";

export interface Action {
  readonly label: string;
  run(): void;
}

export interface View {
  /** One button a wallet, below a title. */
  wallets(
    title: string,
    rows: readonly { readonly label: string; readonly wallet: Wallet }[],
    pay: (wallet: Wallet) => void,
  ): void;
  hideWallets(): void;
  focusWallets(): void;
  /** What goes on, read out as it changes. While busy nothing else can be started. */
  status(text: string, busy?: boolean): void;
  account(text: string): void;
  /** What went wrong, and what can be done. It gets the focus. */
  problem(title: string, text: string, action: Action): void;
  clearProblem(): void;
}

/** @throws Error when the page is not the one that this script belongs to. */
export function createView(): View {
  const section = byId("wallets");
  const title = byId("wallets-title");
  const list = byId("wallet-list");
  const account = byId("account");
  const status = byId("status");
  const problem = byId("problem");

  return {
    wallets(text, rows, pay) {
      section.hidden = false;
      title.textContent = text;
      // Buttons that are there stay: one of them may have the focus.
      for (const { label, wallet } of rows.slice(list.children.length)) {
        const button = element("button", { type: "button", className: "button" });
        if (wallet.icon !== undefined)
          button.append(element("img", { src: wallet.icon, alt: "", width: 24, height: 24 }));
        button.append(element("span", {}, label));
        button.addEventListener("click", () => pay(wallet));
        list.append(element("li", {}, button));
      }
    },
    hideWallets() {
      section.hidden = true;
    },
    focusWallets() {
      section.hidden = list.children.length === 0;
      list.querySelector("button")?.focus();
    },
    status(text, busy = false) {
      status.textContent = text;
      status.classList.toggle("busy", busy);
      // Not `disabled`, which would lose the focus; clicks are ignored meanwhile.
      for (const button of list.querySelectorAll("button"))
        button.setAttribute("aria-disabled", String(busy));
      for (const input of document.querySelectorAll<HTMLInputElement>("input[name=offer]"))
        input.disabled = busy;
    },
    account(text) {
      account.textContent = text;
      account.hidden = text === "";
    },
    problem(heading, text, { label, run }) {
      const button = element("button", { type: "button", className: "button plain" }, label);
      button.addEventListener("click", run);
      problem.replaceChildren(element("h2", {}, heading), element("p", {}, text), button);
      problem.hidden = false;
      problem.focus();
    },
    clearProblem() {
      problem.hidden = true;
      problem.replaceChildren();
    },
  };
}

function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found;
}
