/** Text of a server, made safe to show: short, and without anything that is not seen or turns the line around. */
export const quote = (text: string): string =>
  JSON.stringify(text.slice(0, 80)).replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`,
  );
