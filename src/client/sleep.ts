/** Waits; an abort ends it with the signal's reason. */
export function sleep(ms: number, signal?: AbortSignal | null): Promise<void> {
  let timer: ReturnType<typeof setTimeout>;
  const slept = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  return abortable(slept, signal).finally(() => clearTimeout(timer));
}

/** Waits for something that takes no signal; what comes after an abort is dropped. */
export function abortable<T>(
  waited: Promise<T>,
  signal: AbortSignal | null | undefined,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal?.reason as Error);
    signal?.addEventListener("abort", abort);
    if (signal?.aborted === true) abort();
    void waited.then(resolve, reject).finally(() => signal?.removeEventListener("abort", abort));
  });
}
