// Streams of records that NUL ends, and the last words of a stream that nobody else reads.
import type { Readable } from "node:stream";

const longestRecord = 64 * 1024;

/** Each without its NUL, one byte in a character (latin1). */
export async function* readRecords(stream: Readable): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of stream) {
    const records = (rest + (chunk as Buffer).toString("latin1")).split("\0");
    rest = (records.pop() ?? "").slice(0, longestRecord);
    yield* records;
  }
}

/** Reads it to its end. @returns gives its last line so far */
export function lastOf(stream: Readable): () => string {
  let text = "";
  stream.on("data", (chunk: Buffer) => (text = (text + chunk.toString()).slice(-8_192)));
  stream.on("error", () => undefined);
  return () => text.trim().split("\n").at(-1) ?? "";
}
