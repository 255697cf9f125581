import { concatBytes, readBytes } from "../core/body.ts";
import type { Answer } from "./gate.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Statuses whose answers have no body (Fetch standard). */
export const BODILESS: ReadonlySet<number> = new Set([101, 103, 204, 205, 304]);

/** An answer without a body that nobody would read: nothing would ever tell its end. */
export function asSent(method: string, answer: Answer): Answer {
  const { status, body } = answer;
  if (body === null || (method !== "HEAD" && !BODILESS.has(status))) return answer;
  if (body instanceof ReadableStream) body.cancel().catch(() => {});
  return { ...answer, body: null };
}

const encoder = new TextEncoder();

export function bytesOf(body: string | Bytes): Bytes {
  return typeof body === "string" ? encoder.encode(body) : body;
}

/** The whole body of an answer, or why it cannot be held back. */
export async function bodyBytes(
  { headers, body }: Answer,
  limit: number,
): Promise<{ readonly bytes: Bytes | null } | { readonly why: string }> {
  if (body === null) return { bytes: null };
  const tooLarge = {
    why: `The response is over ${limit} bytes, which cannot be held back until it is paid: settle this route before its handler.`,
  };
  if (typeof body === "string" || body instanceof Uint8Array) {
    const bytes = bytesOf(body);
    return bytes.byteLength > limit ? tooLarge : { bytes };
  }
  if (/^text\/event-stream/i.test(String(headers["content-type"]))) {
    body.cancel().catch(() => {});
    return {
      why: "An event stream cannot be held back until it is paid: settle this route before its handler.",
    };
  }
  let bytes: Bytes | undefined;
  try {
    bytes = await readBytes(body, limit);
  } catch {
    return { why: "The response broke off before its end." };
  }
  return bytes === undefined ? tooLarge : { bytes };
}

/** How a body ended: sent to its end, cut off by the client, or failed at its source. */
export type BodyEnd = "sent" | "cut" | "failed";

/**
 * Passes a body on and tells how it ended, before its reader hears of the end; with all its bytes when it was sent
 * and has at most `limit` of them. Reads no further than it is asked to.
 */
export function watched(
  body: ReadableStream<Uint8Array>,
  limit: number,
  onEnd: (how: { readonly end: BodyEnd; readonly bytes?: Bytes }) => Promise<void>,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let chunks: Uint8Array[] | undefined = [];
  let size = 0;
  let cut = false;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (cut) return; // what looks like the end is the cancelling
          if (!done) {
            size += value.byteLength;
            if (size > limit) chunks = undefined;
            chunks?.push(value.slice());
            controller.enqueue(value);
            return;
          }
        } catch (error) {
          if (!cut) await onEnd({ end: "failed" });
          throw error;
        }
        await onEnd({ end: "sent", ...(chunks && { bytes: concatBytes(chunks) }) });
        controller.close();
      },
      async cancel(reason) {
        cut = true;
        const cancelled = reader.cancel(reason).catch(() => {});
        await onEnd({ end: "cut" });
        await cancelled;
      },
    },
    { highWaterMark: 0 },
  );
}
