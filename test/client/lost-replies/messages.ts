/** Where the parts of an HTTP/1.1 message are, for a proxy that breaks them. */

const text = (bytes: Buffer): string => bytes.toString("latin1");

/** Index of the first byte of the body; nothing while the headers are not complete. */
export function bodyStart(bytes: Buffer): number | undefined {
  const index = bytes.indexOf("\r\n\r\n");
  return index === -1 ? undefined : index + 4;
}

export function headerOf(bytes: Buffer, name: string): string | undefined {
  const head = text(bytes.subarray(0, bodyStart(bytes)));
  return new RegExp(`\r\n${name}: *([^\r\n]*)\r\n`, "i").exec(head)?.[1];
}

/** Index behind the last byte of the first message; nothing while it is not complete. */
export function messageEnd(bytes: Buffer): number | undefined {
  const start = bodyStart(bytes);
  if (start === undefined) return undefined;
  if (headerOf(bytes, "transfer-encoding") === undefined) {
    const length = headerOf(bytes, "content-length");
    // A reply that does not say how long it is ends with its connection.
    if (length === undefined && text(bytes.subarray(0, 5)) === "HTTP/") return undefined;
    const end = start + Number(length ?? 0);
    return bytes.length >= end ? end : undefined;
  }
  for (let at = start; ;) {
    const chunk = chunkAt(bytes, at);
    if (chunk === undefined) return undefined;
    at = chunk.end;
    if (chunk.size === 0) return at;
  }
}

/** The chunk that begins here, without trailers. */
function chunkAt(bytes: Buffer, at: number): { size: number; end: number } | undefined {
  const lineEnd = bytes.indexOf("\r\n", at);
  if (lineEnd === -1) return undefined;
  const size = Number.parseInt(text(bytes.subarray(at, lineEnd)), 16);
  const end = lineEnd + 2 + size + 2;
  return bytes.length >= end ? { size, end } : undefined;
}

/** A message of which only what frames it, or what is in its headers, is broken: whoever reads it can tell. */
export type Garbage =
  /** The version, which nobody knows then. */
  | "start"
  /** A header line that is none. */
  | "line"
  /** The message's length is more than there is. */
  | "longer"
  /** Its length is no number. */
  | "length"
  /** The first chunk is said to be smaller, or larger, or of no size at all. */
  | "smaller chunk"
  | "larger chunk"
  | "no chunk"
  /** The payment, the offers or the receipt cannot be read, or have lost their name. */
  | "value"
  | "name"
  /** Another status. */
  | 402
  | 409
  | 500;

const X402_HEADER = /\r\n(payment-signature|payment-required|payment-response): */i;

export function garble(bytes: Buffer, how: Garbage): Buffer {
  const start = bodyStart(bytes) ?? bytes.length;
  const [head, body] = [text(bytes.subarray(0, start)), bytes.subarray(start)];
  const withHead = (changed: string, rest: Buffer = body) =>
    Buffer.concat([Buffer.from(changed, "latin1"), rest]);
  const isChunked = headerOf(bytes, "transfer-encoding") !== undefined;
  const ofChunks: Partial<Record<Garbage, Garbage>> = {
    longer: "larger chunk",
    length: "no chunk",
  };
  const wanted = (isChunked && ofChunks[how]) || how;
  switch (wanted) {
    case "start":
      return withHead(head.replace("HTTP/1.1", "HTQP/9.7"));
    case "line":
      return withHead(head.replace("\r\n", "\r\n\u0001 no header\r\n"));
    case "longer":
      return withHead(
        head.replace(/(content-length: *)(\d+)/i, (_, name, n) => `${name}${+n + 7}`),
      );
    case "length":
      return withHead(head.replace(/content-length: */i, "$&x"));
    case "smaller chunk":
    case "larger chunk":
    case "no chunk": {
      if (!isChunked || body.length === 0) return garble(bytes, "length");
      const line = text(body).indexOf("\r\n");
      const size = Number.parseInt(text(body.subarray(0, line)), 16);
      const sizes = { "smaller chunk": Math.max(0, size - 3), "larger chunk": size + 3 };
      const said = wanted === "no chunk" ? "zz" : sizes[wanted].toString(16);
      return withHead(head, Buffer.concat([Buffer.from(said), body.subarray(line)]));
    }
    case "value":
      return withHead(head.replace(X402_HEADER, "$&!"));
    case "name":
      return withHead(head.replace(X402_HEADER, "\r\nx-$1: "));
    default:
      return withHead(head.replace(/^HTTP\/1\.1 \d+/, `HTTP/1.1 ${wanted}`));
  }
}
