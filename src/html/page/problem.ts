import type { TextKey } from "../text.ts";

/** Something that the buyer has to know, in the page's words. Thrown before a payment was signed: nothing is charged. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly key: TextKey;
  readonly blanks: Readonly<Record<string, string | number>>;

  constructor(key: TextKey, blanks: Readonly<Record<string, string | number>> = {}) {
    super(key);
    this.key = key;
    this.blanks = blanks;
  }
}
