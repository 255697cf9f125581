/** `farthing/html`: the page that people in a browser get in place of a 402's JSON. */
export { htmlPaywall } from "./html-paywall.ts";
export type { HtmlPaywallOptions } from "./options.ts";
export type { PageText } from "./text.ts";
export type { PageContext, PaywallPage } from "../server/gate.ts";
