/** A body that a handler writes piece by piece, and that is read as a stream. */
export interface WrittenBody {
  readonly stream: ReadableStream<Uint8Array>;
  /** Whether it was taken; not after the end, nor when its reader has cancelled it. */
  write(bytes: Uint8Array): boolean;
  /** Whether as much is waiting as should; `onDrain` tells when no more. */
  readonly isFull: boolean;
  end(): void;
  /** Its reader hears of an error. */
  fail(error: Error): void;
}

export function writtenBody(highWaterMark: number, onDrain: () => void): WrittenBody {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  let isFull = false;
  const stream = new ReadableStream<Uint8Array>(
    {
      start: (started) => void (controller = started),
      pull() {
        if (isFull) queueMicrotask(onDrain);
        isFull = false;
      },
      cancel: () => void (controller = undefined),
    },
    { highWaterMark, size: ({ byteLength }) => byteLength },
  );
  return {
    stream,
    get isFull() {
      return isFull;
    },
    write(bytes) {
      if (controller === undefined) return false;
      if (bytes.byteLength > 0) controller.enqueue(bytes);
      isFull = (controller.desiredSize ?? 0) <= 0;
      return true;
    },
    end() {
      controller?.close();
      controller = undefined;
    },
    fail(error) {
      controller?.error(error);
      controller = undefined;
    },
  };
}
