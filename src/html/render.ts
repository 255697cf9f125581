import type { PageContext } from "../server/gate.ts";
import { jsonMarkup, markup, type Markup } from "./markup.ts";
import { shorten, showOffers, type ShownOffer } from "./offers.ts";
import type { PageStyle } from "./options.ts";
import { DATA_ID, type PageData } from "./page-data.ts";
import { say, type TextKey } from "./text.ts";

/** Where script and style come from, and what allows them. */
export interface PageParts {
  readonly style: string;
  readonly scriptUrl: string;
  readonly scriptIntegrity: string;
  readonly nonce: string;
}

/** The page of a 402, whole. Without its script it explains the offer. */
export function renderPage(context: PageContext, style: PageStyle, parts: PageParts): string {
  const { paymentRequired, request } = context;
  const { text, lang, logo, supportUrl } = style;
  const t = (key: TextKey, blanks?: Record<string, string | number>) => say(text, key, blanks);
  const offers = showOffers(paymentRequired, style.assets);
  const payable = offers.flatMap((offer) => offer.payable ?? []);
  const data: PageData = { paymentRequired, offers: payable, text };
  const { url, description, serviceName } = paymentRequired.resource ?? { url: request.url };
  const name = style.name ?? (typeof serviceName === "string" ? serviceName : undefined);
  const title = name === undefined ? t("title") : `${t("title")} · ${name}`;
  return markup`<!doctype html>
<html lang="${lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${title}</title>
<style>${{ html: parts.style }}</style>
<script type="application/json" id="${DATA_ID}">${jsonMarkup(data)}</script>
<script defer src="${parts.scriptUrl}" integrity="${parts.scriptIntegrity}" nonce="${parts.nonce}"></script>
</head>
<body>
<main id="paywall">
${brand(name, logo)}
<h1>${t("title")}</h1>
${description !== undefined && markup`<p class="what" dir="auto">${description}</p>`}
<p class="where">${readable(url)}</p>
${offers.length === 1 ? offerBody(offers[0], t) : offerChoice(offers, payable.length, t)}
${payable.length === 0 && markup`<p class="notice">${t("nothingPayable")}</p>`}
<noscript><p class="notice">${t("noScript")}</p></noscript>
<section id="wallets" aria-labelledby="wallets-title" hidden>
<h2 id="wallets-title"></h2>
<ul id="wallet-list"></ul>
<p id="account" class="soft" hidden></p>
</section>
<p id="status" role="status"></p>
<div id="problem" role="alert" tabindex="-1" hidden></div>
<details class="how"><summary>${t("how")}</summary><p>${t("howText")}</p><p>${t("agents")}</p></details>
${supportUrl !== undefined && markup`<p class="support"><a href="${supportUrl}" rel="noreferrer">${t("support")}</a></p>`}
</main>
<main id="content" tabindex="-1" hidden></main>
</body>
</html>
`.html;
}

type Say = (key: TextKey, blanks?: Record<string, string | number>) => string;

function brand(name: string | undefined, logo: string | undefined): Markup | undefined {
  if (name === undefined && logo === undefined) return undefined;
  return markup`<header class="brand">${logo !== undefined && markup`<img src="${logo}" alt="" height="32">`}${name !== undefined && markup`<span>${name}</span>`}</header>`;
}

/** Price, network and payee of one offer. */
function offerBody(offer: ShownOffer | undefined, t: Say): Markup | undefined {
  if (offer === undefined) return undefined;
  return markup`<p class="price">${offer.price}</p>
${offerTerms(offer, t)}`;
}

function offerTerms(offer: ShownOffer, t: Say): Markup {
  const { network, chainId, isTestnet, payTo, unknownAsset } = offer;
  return markup`<dl>
<div><dt>${t("network")}</dt><dd>${network}${chainId !== undefined && markup` <span class="soft">(${t("chain", { chainId })})</span>`}${isTestnet && markup`<br><span class="tag">${t("testNetwork")}</span>`}</dd></div>
<div><dt>${t("payTo")}</dt><dd>${address(payTo)}</dd></div>
${unknownAsset !== undefined && markup`<div><dt>${t("token")}</dt><dd><code>${unknownAsset}</code></dd></div>`}
</dl>
${unknownAsset !== undefined && markup`<p class="notice">${t("unknownToken")}</p>`}`;
}

/** Several offers: a choice among those that can be paid here. The first of them is chosen. */
function offerChoice(offers: readonly ShownOffer[], payable: number, t: Say): Markup {
  let chosen = false;
  const cards = offers.map((offer) => {
    const { index, price, network } = offer;
    if (offer.payable === undefined || payable === 0) {
      const note = payable > 0 && markup`<p class="soft">${t("unpayable")}</p>`;
      return markup`<div class="offer"><p class="choice"><b>${price}</b> <span class="soft">${network}</span></p>${offerTerms(offer, t)}${note}</div>`;
    }
    const checked = chosen ? undefined : markup` checked`;
    chosen = true;
    return markup`<div class="offer"><label class="choice"><input type="radio" name="offer" value="${index}"${checked}> <b>${price}</b> <span class="soft">${network}</span></label>${offerTerms(offer, t)}</div>`;
  });
  return markup`<fieldset><legend>${t("choose")}</legend>${cards}</fieldset>`;
}

/** Short to the eye, whole on demand: without script, by keyboard and for screen readers. */
function address(text: string): Markup {
  const short = shorten(text);
  if (short === text) return markup`<code>${text}</code>`;
  return markup`<details class="address"><summary><code>${short}</code></summary><code>${text}</code></details>`;
}

/** A URL without its scheme. It stays percent-encoded: nothing in it can turn the line around. */
function readable(url: string): string {
  try {
    const { host, pathname, search } = new URL(url);
    return `${host}${pathname}${search}`;
  } catch {
    return url;
  }
}
