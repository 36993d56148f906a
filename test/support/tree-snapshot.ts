// Every path below a folder with its mode and content, as text; without databases, logs and sockets.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";

export function snapshotTree(folder: string): string {
  if (!existsSync(folder)) return "";
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !/\.db(-wal|-shm)?$|\.log$|\.sock$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
  const lines = paths.map((path) => {
    const { mode } = statSync(path);
    const content = statSync(path).isFile()
      ? createHash("sha256").update(readFileSync(path)).digest("hex")
      : "";
    return `${relative(folder, path)} ${mode.toString(8)} ${content}`;
  });
  return lines.toSorted().join("\n");
}

/** All that comes. */
export async function collectText(texts: AsyncIterable<string>): Promise<string> {
  let all = "";
  for await (const text of texts) all += text;
  return all;
}
