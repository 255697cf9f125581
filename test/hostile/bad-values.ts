/** Values that look like what they are not, for tables of hostile input. */
export const NOT_ATOMIC: readonly (readonly [string, unknown])[] = [
  ["exponent", "1e4"],
  ["negative", "-1"],
  ["padded", "010000"],
  ["hex", "0x2710"],
  ["2^256", String(2n ** 256n)],
  ["200 digits", "9".repeat(200)],
  ["NaN", "NaN"],
  ["Infinity", "Infinity"],
  ["a fraction", "10000.0"],
  ["empty", ""],
  ["a space before", " 10000"],
  ["a line break after", "10000\n"],
  ["Arabic digits", "١٠٠٠٠"],
  ["a number", 10_000],
  ["null", null],
  ["a list", ["10000"]],
  ["an object", { toString: "10000" }],
];

export const base64 = (value: string | Uint8Array): string => Buffer.from(value).toString("base64");
export const header = (message: unknown): string => base64(JSON.stringify(message));

/** A list nested so deep, as JSON text. */
export const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);

/** A copy of a message with the value at a path replaced; `undefined` removes it. */
export function withValue(message: object, path: string, value: unknown): Record<string, unknown> {
  const copy = JSON.parse(JSON.stringify(message)) as Record<string, unknown>;
  const names = path.split(".");
  const last = names.pop() ?? "";
  let at = copy;
  for (const name of names) at = at[name] as Record<string, unknown>;
  at[last] = value;
  return copy;
}

/** Header values that are no message of any version. */
export const NO_MESSAGE: readonly (readonly [string, string])[] = [
  ["empty", ""],
  ["not base64", "pay me!"],
  ["base64url", "eyJhIjoiPz8_In0="],
  ["without padding", "e30"],
  ["with too much padding", "e30==="],
  ["padding in the middle", "e3=0"],
  ["a space inside", "e30 e30="],
  ["Latin-1 bytes", "e30\u00e9"],
  ["not UTF-8", base64(Uint8Array.from([0x7b, 0xff, 0x7d]))],
  ["UTF-16", base64(Buffer.from('{"x402Version":2}', "utf16le"))],
  ["gzip", base64(Uint8Array.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]))],
  ["not JSON", base64("x402Version=2")],
  ["JSON cut off", base64('{"x402Version":2,')],
  ["JSON with NaN", base64('{"x402Version":NaN}')],
  ["null", base64("null")],
  ["a list", base64("[]")],
  ["a number", base64("2")],
  ["text", base64('"2"')],
  ["true", base64("true")],
  ["an empty object", base64("{}")],
  ["nested 9 deep", base64(`{"a":${nested(8)}}`)],
  ["nested 1000 deep", base64(nested(1000))],
  ["65 keys", header(Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`k${i}`, 0])))],
  ["__proto__", base64('{"__proto__":{"x402Version":2}}')],
  ["__proto__ below", base64('{"payload":{"authorization":{"__proto__":{}}}}')],
  ["constructor below", base64('{"payload":{"a":[{"constructor":{"prototype":1}}]}}')],
  ["prototype in extensions", base64('{"extensions":{"a":{"prototype":1}}}')],
];

/** Bodies that cannot be read. */
export const BAD_BODIES: readonly (readonly [string, string | Uint8Array])[] = [
  ["empty", ""],
  ["white space", "  \n"],
  ["not JSON", "paymentPayload=1"],
  ["cut off", '{"x402Version":2,'],
  ["two values", "{}{}"],
  ["a comment", "{} // x"],
  ["not UTF-8", Uint8Array.from([0x22, 0xff, 0xfe, 0x22])],
  ["UTF-8 cut off", Uint8Array.from([0x22, 0xe2, 0x82])],
  ["gzip", Uint8Array.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3])],
  ["nested 9 deep", nested(9)],
  ["nested 30,000 deep", nested(30_000)],
  ["nested as deep as possible below extensions", deepExtensions(60_000)],
  [
    "65 keys",
    JSON.stringify(Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`k${i}`, 0]))),
  ],
  ["__proto__", '{"__proto__":{"x402Version":2}}'],
  ["constructor below", '{"x402Version":2,"paymentPayload":{"payload":{"constructor":1}}}'],
  ["prototype in an escape", '{"x402Version":2,"a":{"\\u0070rototype":1}}'],
];

function deepExtensions(length: number): string {
  let text = "1";
  while (text.length < length) text = `{"extensions":${"[".repeat(12)}${text}${"]".repeat(12)}}`;
  return text;
}
