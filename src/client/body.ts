/** Bodies of paid responses: what was paid for is not delivered before it has arrived. */
import { concatBytes } from "../core/body.ts";

const MAX_HELD_BYTES = 1024 * 1024;

/**
 * Reads a body of known, moderate length to its end, so that a reply that breaks off can be asked for again; others
 * become streams whose end is told.
 *
 * @param onEnd of a stream: whether it was cut off; the reader hears of the end when that is written down.
 * @throws what reading throws.
 */
export async function holdBody(
  response: Response,
  onEnd: (cut: boolean) => Promise<void>,
): Promise<{ readonly body: Response; readonly ended: boolean }> {
  if (response.body === null) return { body: response, ended: true };
  const length = response.headers.get("Content-Length");
  const reader = response.body.getReader();
  const held: Uint8Array[] = [];
  // A compressed body is longer than its length says.
  let isShort = length !== null && Number(length) <= MAX_HELD_BYTES;
  for (let size = 0; isShort; isShort = size <= MAX_HELD_BYTES) {
    const { done, value } = await reader.read();
    if (done) return { body: copyOf(response, concatBytes(held)), ended: true };
    held.push(value);
    size += value.length;
  }
  return { body: copyOf(response, watched(reader, held, onEnd)), ended: false };
}

function watched(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  held: Uint8Array[],
  onEnd: (cut: boolean) => Promise<void>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const source: UnderlyingDefaultSource<Uint8Array<ArrayBuffer>> = {
    async pull(controller) {
      try {
        const next = held.shift() ?? (await reader.read()).value;
        if (next !== undefined) return controller.enqueue(next as Uint8Array<ArrayBuffer>);
        await onEnd(false);
        controller.close();
      } catch (error) {
        await onEnd(true);
        controller.error(error);
      }
    },
    async cancel(reason) {
      await Promise.all([reader.cancel(reason), onEnd(false)]);
    },
  };
  // Nothing is read before somebody wants it.
  return new ReadableStream(source, { highWaterMark: 0 });
}

/** The same response with another body. */
function copyOf(response: Response, body: BodyInit): Response {
  const { status, headers } = response;
  const copy = new Response(body, { status, headers });
  // Servers give reasons that no Response may be made with.
  for (const name of ["url", "type", "statusText"] as const)
    Object.defineProperty(copy, name, { value: response[name] });
  return copy;
}
