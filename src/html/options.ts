import { parseAddress } from "../evm/address.ts";
import { KNOWN_ASSETS, type EvmAsset } from "../evm/assets.ts";
import { isNetwork } from "../core/network.ts";
import { TEXT, type PageText } from "./text.ts";

export interface HtmlPaywallOptions {
  /** Who sells, shown on top. */
  readonly name?: string;
  /** An image: a `data:` URL, or a path on the page's own origin. */
  readonly logo?: string;
  /** Colour of the buttons, as `#rrggbb`. The text on them is black or white, whichever reads better. */
  readonly accent?: string;
  /** Where a buyer finds help: `https:`, `mailto:`, or a path. */
  readonly supportUrl?: string;
  /** Language of the texts, as in `<html lang>`; default `en`. */
  readonly lang?: string;
  /** Other words for some or all of the page's texts. */
  readonly text?: PageText;
  /** Tokens beside `KNOWN_ASSETS` whose symbol and decimals are shown: those that were given to `exactEvm`. */
  readonly assets?: readonly EvmAsset[];
}

/** Checked options, with their defaults. */
export interface PageStyle {
  readonly name: string | undefined;
  readonly logo: string | undefined;
  readonly accent: { readonly background: string; readonly ink: string } | undefined;
  readonly supportUrl: string | undefined;
  readonly lang: string;
  readonly text: PageText;
  readonly assets: readonly EvmAsset[];
}

const DATA_IMAGE = /^data:image\/(?:png|jpeg|gif|webp|avif|svg\+xml)[;,][\w;,:%+/=.!*'()~ -]*$/;
/** A path on this origin; `//host` and `/\host` would be another one. */
const PATH = /^\/(?![/\\])[^\s\\]*$/;
const COLOR = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i;
const LANGUAGE = /^[a-zA-Z]{2,8}(?:-[a-zA-Z0-9]{1,8})*$/;
const MAX_LOGO = 32_768;
const MAX_TEXT = 2000;

/** @throws TypeError naming the option that cannot work. */
export function readOptions(options: HtmlPaywallOptions): PageStyle {
  const { name, logo, accent, supportUrl, lang = "en", text = {}, assets = [] } = options;
  if (name !== undefined) check(isText(name, 80), `name is not a text of 1 to 80 characters`);
  if (logo !== undefined) {
    const ok = isText(logo, MAX_LOGO) && (DATA_IMAGE.test(logo) || PATH.test(logo));
    check(
      ok,
      `logo is neither a data: URL of an image (at most ${MAX_LOGO} characters) nor a path`,
    );
  }
  if (supportUrl !== undefined) {
    const ok = isText(supportUrl, MAX_TEXT) && (PATH.test(supportUrl) || isLink(supportUrl));
    check(ok, "supportUrl is neither an https: or mailto: URL nor a path");
  }
  check(isText(lang, 64) && LANGUAGE.test(lang), `lang "${lang}" is not a language tag`);
  for (const [key, value] of Object.entries(text)) {
    check(Object.hasOwn(TEXT, key), `text.${key} is not one of the page's texts`);
    check(isText(value, MAX_TEXT), `text.${key} is not a text of 1 to ${MAX_TEXT} characters`);
  }
  for (const asset of assets) {
    const ok = isNetwork(asset.network) && parseAddress(asset.address) !== undefined;
    check(ok, `assets has one without network or address: ${asset.symbol}`);
    check(isText(asset.symbol, 32), "assets has one without a symbol");
    const { decimals } = asset;
    check(
      Number.isSafeInteger(decimals) && decimals >= 0 && decimals <= 36,
      "decimals are 0 to 36",
    );
  }
  return {
    name,
    logo,
    accent: accent === undefined ? undefined : readAccent(accent),
    supportUrl,
    lang,
    text,
    assets: [...assets, ...KNOWN_ASSETS],
  };
}

function readAccent(accent: string): { background: string; ink: string } {
  const channels = COLOR.exec(accent)?.slice(1);
  if (channels === undefined) throw new TypeError(`accent "${accent}" is not a colour as #rrggbb`);
  const [red = 0, green = 0, blue = 0] = channels.map((hex) => linear(parseInt(hex, 16) / 255));
  const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  // Contrast with white and with black (WCAG 2.2, relative luminance); one of them is always above 4.5.
  const ink = 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.05 ? "#ffffff" : "#000000";
  return { background: accent.toLowerCase(), ink };
}

/** Linear value of an sRGB channel. */
function linear(channel: number): number {
  return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
}

function isLink(text: string): boolean {
  try {
    return ["https:", "mailto:"].includes(new URL(text).protocol);
  } catch {
    return false;
  }
}

function isText(value: unknown, maxLength: number): value is string {
  return typeof value === "string" && value !== "" && value.length <= maxLength;
}

function check(ok: boolean, problem: string): void {
  if (!ok) throw new TypeError(problem);
}
