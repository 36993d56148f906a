// A log file of this machine: its last lines, then on request whatever comes.
import { open } from "node:fs/promises";
import type { Clock } from "../../base/clock.ts";
import type { LogOptions } from "../target.ts";

const followEveryMs = 200;
const blockBytes = 64 * 1024;

export async function* readLogs(
  path: string,
  options: LogOptions,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): AsyncGenerator<string> {
  const tail = await readTail(path, options.lines);
  if (tail.text !== "") yield tail.text;
  let offset = tail.end;
  while (options.follow && !signal.aborted) {
    await clock.sleep(followEveryMs, signal).catch(() => undefined);
    const more = await readFrom(path, offset);
    offset = more.end;
    if (more.text !== "") yield more.text;
  }
}

async function readTail(path: string, lines: number): Promise<{ text: string; end: number }> {
  const { text, end } = await readFrom(path, 0, blockBytes * 16);
  const all = text.split("\n");
  const complete = all.at(-1) === "" ? all.slice(0, -1) : all;
  const last = complete.slice(-lines);
  return { text: last.length === 0 ? "" : `${last.join("\n")}\n`, end };
}

/** From `offset` to the end; a file that has become shorter was begun anew. @param longest only so many bytes of the end */
async function readFrom(
  path: string,
  offset: number,
  longest = Infinity,
): Promise<{ text: string; end: number }> {
  const file = await open(path, "r").catch(() => undefined);
  if (!file) return { text: "", end: 0 };
  try {
    const { size } = await file.stat();
    const from = Math.max(size < offset ? 0 : offset, size - longest);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - from), 0, size - from, from);
    return { text: buffer.subarray(0, bytesRead).toString("utf8"), end: from + bytesRead };
  } finally {
    await file.close();
  }
}
