import { failure, timedOut, tooLarge, type HttpPost } from "./http-post.ts";

/** Over global `fetch`. */
export function createFetchPost(mostBytes: number): HttpPost {
  return async (url, body, timeoutMs, maxBytes = mostBytes) => {
    const { username, password } = new URL(url);
    const plain = new URL(url);
    plain.username = plain.password = "";
    const headers: Record<string, string> = { "content-type": "application/json" };
    if (username || password)
      headers["authorization"] = `Basic ${btoa(decodeURIComponent(`${username}:${password}`))}`;
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      const init = { method: "POST", body, headers, signal, redirect: "manual" } as const;
      const response = await fetch(plain, init);
      const text = await boundedText(response, maxBytes);
      if (text === undefined) return tooLarge(maxBytes);
      const retryAfter = response.headers.get("retry-after") ?? undefined;
      return { status: response.status, text, retryAfter };
    } catch {
      return signal.aborted ? timedOut(timeoutMs) : failure("connection", "connection failed");
    }
  };
}

async function boundedText(response: Response, maxBytes: number): Promise<string | undefined> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > maxBytes) return undefined;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
