// The file that a workload's output goes to: begun anew when it is long, read from its end.
import { appendFile, open, rename, stat } from "node:fs/promises";

const longestLogBytes = 10 * 1024 * 1024;
const tailBytes = 64 * 1024;
const mark = "== starting ";

/** Marks where a start begins, so that the lines of an earlier one are not taken for its own. @param at wall time, ms */
export async function beginLog(path: string, title: string, at: number): Promise<void> {
  const size = await stat(path).then(
    (found) => found.size,
    () => 0,
  );
  if (size > longestLogBytes) await rename(path, `${path}.1`);
  await appendFile(path, `${mark}${title}, ${new Date(at).toISOString()}\n`, { mode: 0o600 });
}

/** The last lines of the last start; none when there is no such file. */
export async function readLogTail(path: string, lines = 20): Promise<string[]> {
  const text = await readEnd(path).catch(() => "");
  const begins = text.lastIndexOf(mark);
  return (begins === -1 ? text : text.slice(text.indexOf("\n", begins) + 1))
    .trimEnd()
    .split("\n")
    .slice(-lines)
    .filter((line) => line !== "");
}

async function readEnd(path: string): Promise<string> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const length = Math.min(size, tailBytes);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.subarray(0, bytesRead).toString("utf8");
  } finally {
    await file.close();
  }
}
