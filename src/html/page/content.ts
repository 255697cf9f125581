/** Shows what was bought. */
import { decodeHeader, PAYMENT_RESPONSE, X_402_PAGE } from "../../core/header.ts";
import { SettleResponse } from "../../core/messages.ts";
import { say, type PageText } from "../text.ts";
import { element } from "./element.ts";
import { fileName } from "./file-name.ts";

const PAGES = /^(?:text\/html|application\/xhtml\+xml)$/;
/** What a browser shows better by itself than this page could. */
const SHOWN_BY_BROWSER =
  /^(?:text\/html|application\/(?:xhtml\+xml|pdf)|(?:image|audio|video)\/.*)$/;
const TEXT_TYPES = /^(?:text\/.*|application\/(?:.*\+)?(?:json|xml|yaml|javascript|x-ndjson))$/;
/** Longer texts are offered as a file. */
const MAX_SHOWN_TEXT = 2_000_000;

/** Whether the server keeps the answer for a reload, and the browser shows this kind of it. */
export function opensByReload({ headers }: Response): boolean {
  return (
    headers.get(X_402_PAGE) === "reload" &&
    !isAttachment(headers) &&
    SHOWN_BY_BROWSER.test(mediaType(headers))
  );
}

/** Whether an answer is a page, which this one cannot show in its own place. */
export function isPage({ headers }: Response): boolean {
  return !isAttachment(headers) && PAGES.test(mediaType(headers));
}

/** Puts what was bought in the place of the offer. */
export async function showContent(
  { headers }: Response,
  content: Blob,
  price: string,
  text: PageText,
): Promise<void> {
  const type = mediaType(headers);
  const place = document.getElementById("content");
  const paywall = document.getElementById("paywall");
  if (place === null || paywall === null) return;
  const name = fileName(headers.get("Content-Disposition"), location.pathname, type);
  const receipt = element("p", { className: "paid" }, say(text, "paid", { price }));
  const transaction = transactionOf(headers);
  if (transaction !== undefined)
    receipt.append(
      element("span", { className: "soft" }, ` ${say(text, "transaction", { transaction })}`),
    );
  const shown = isAttachment(headers) ? undefined : await view(content, type, name);
  const save = element(
    "a",
    { className: "button", href: URL.createObjectURL(content), download: name },
    say(text, "download", { name }),
  );
  const why = say(text, PAGES.test(type) ? "cannotShow" : "contentIsHere");
  place.replaceChildren(
    receipt,
    element("p", {}, why),
    ...(shown === undefined ? [] : [shown]),
    save,
  );
  document.title = name;
  paywall.hidden = true;
  place.hidden = false;
  place.focus();
}

/** The content itself, where it can be seen under this page's content security policy. */
async function view(content: Blob, type: string, name: string): Promise<HTMLElement | undefined> {
  const src = URL.createObjectURL(content);
  if (type.startsWith("image/")) return element("img", { src, alt: name });
  if (type.startsWith("audio/")) return element("audio", { src, controls: true });
  if (type.startsWith("video/")) return element("video", { src, controls: true });
  if (PAGES.test(type) || !TEXT_TYPES.test(type) || content.size > MAX_SHOWN_TEXT) return undefined;
  const text = await content.text();
  return element("pre", { tabIndex: 0 }, type.endsWith("json") ? indented(text) : text);
}

/** Compact JSON as people read it; anything else as it is, above all where reading changes numbers. */
function indented(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    return JSON.stringify(value) === text ? JSON.stringify(value, null, 2) : text;
  } catch {
    return text;
  }
}

function transactionOf(headers: Headers): string | undefined {
  const receipt = headers.get(PAYMENT_RESPONSE);
  if (receipt === null) return undefined;
  try {
    const { transaction } = decodeHeader(SettleResponse, receipt, "malformed_receipt", "receipt");
    return transaction === "" ? undefined : transaction;
  } catch {
    return undefined;
  }
}

function mediaType(headers: Headers): string {
  return (headers.get("Content-Type") ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

function isAttachment(headers: Headers): boolean {
  return /^\s*attachment\b/i.test(headers.get("Content-Disposition") ?? "");
}
