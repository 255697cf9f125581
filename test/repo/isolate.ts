/** Runs a script where only the web's globals are, and refuses what isolates refuse while a module is loaded. */
import { createContext, runInContext } from "node:vm";

/** I/O and timers. Cloudflare Workers and others refuse them outside of a request. */
const REFUSED = ["fetch", "setTimeout", "setInterval", "queueMicrotask"];

const ALLOWED = [
  "AbortController",
  "AbortSignal",
  "Blob",
  "DOMException",
  "Event",
  "EventTarget",
  "FormData",
  "Headers",
  "ReadableStream",
  "Request",
  "Response",
  "TextDecoder",
  "TextEncoder",
  "TransformStream",
  "URL",
  "URLSearchParams",
  "WritableStream",
  "atob",
  "btoa",
  "structuredClone",
];

/** The script's `globalThis.exposed`. @throws what the script throws, or that it did I/O. */
export function runInIsolate(script: string): unknown {
  const tried: string[] = [];
  const refuse = (name: string, isIo: boolean) => () => {
    if (isIo) tried.push(name);
    throw new Error(`${name} was called while the module was loaded`);
  };
  const globals = globalThis as unknown as Record<string, unknown>;
  const context = createContext({
    ...Object.fromEntries(ALLOWED.map((name) => [name, globals[name]])),
    ...Object.fromEntries(REFUSED.map((name) => [name, refuse(name, true)])),
    // Refused too, but who catches that has done no harm: @noble/curves probes for randomness as it is loaded.
    crypto: { subtle: {}, getRandomValues: refuse("crypto.getRandomValues", false) },
  });
  runInContext(script, context, { timeout: 5_000 });
  if (tried.length > 0) throw new Error(`at module scope: ${tried.join(", ")}`);
  return (context as { exposed?: unknown }).exposed;
}
