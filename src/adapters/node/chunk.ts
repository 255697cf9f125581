/** What is given to `write` and `end` of Node's responses. */

export type Callback = (error?: Error | null) => void;

export function options([first, second]: readonly unknown[]): {
  readonly encoding: BufferEncoding | undefined;
  readonly done: Callback | undefined;
} {
  const done = typeof first === "function" ? first : second;
  return {
    encoding: typeof first === "string" ? (first as BufferEncoding) : undefined,
    done: typeof done === "function" ? (done as Callback) : undefined,
  };
}

/** A copy: the handler may use its buffer again. @throws TypeError for what is neither text nor bytes. */
export function bytesOf(
  chunk: unknown,
  encoding: BufferEncoding | undefined,
): Uint8Array<ArrayBuffer> {
  if (typeof chunk === "string") return Buffer.from(chunk, encoding);
  if (chunk instanceof Uint8Array) return new Uint8Array(chunk);
  const message = "A response is written as a string, a Buffer or a Uint8Array";
  throw Object.assign(new TypeError(message), { code: "ERR_INVALID_ARG_TYPE" });
}
