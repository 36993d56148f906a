// Gives a large buffer's memory back as soon as it was written, instead of when the garbage collector comes round.

/**
 * A callback for `write(bytes, …)`. Fast streams otherwise leave more than 100 MB of dead buffers behind at times.
 * `bytes` must not be used afterwards. After an error nothing is done: the system may still hold the memory.
 */
export function onceWritten(bytes: Buffer): ((error?: Error | null) => void) | undefined {
  const { buffer } = bytes;
  const isOwn = bytes.length === buffer.byteLength && buffer instanceof ArrayBuffer;
  if (!isOwn || bytes.length < worthwhile) return undefined;
  return (error) => {
    if (!error) buffer.transfer(0);
  };
}

const worthwhile = 16_384;
