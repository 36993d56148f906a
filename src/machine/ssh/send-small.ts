// Sends a few small files in one round trip, as a tar stream that is packed here.
import { readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { quotePath } from "../../commands/remote-shell.ts";
import { lastOf } from "../fetch/records.ts";
import { interrupted } from "../interrupted.ts";
import type { Link } from "./link.ts";
import type { Sent } from "./sent.ts";

const mostFiles = 100;
const mostBytes = 500_000;

/** Names that every tar reads alike: without a header of pax. */
const plainName = /^[\x20-\x7e]{1,95}$/;

export function isSmall(files: readonly Sent[]): boolean {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  return files.length <= mostFiles && bytes <= mostBytes && files.every(({ path }) => plainName.test(path));
}

/** Whether it was done: it is not where there is no tar, or something changes or stands in the way. */
export async function sendSmall(
  link: Link,
  folder: string,
  to: string,
  files: readonly Sent[],
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { pack } = await import("../fetch/tar-stream.ts"); // slow to load, and seldom needed
  const packed = pack();
  try {
    for (const { path, isLink, mode, modifiedMs } of files) {
      const header = { name: `./${path}`, mode, mtime: new Date(modifiedMs) };
      if (isLink) {
        const linkname = await readlink(join(folder, path));
        if (!plainName.test(linkname)) return false;
        packed.entry({ ...header, type: "symlink", linkname });
      } else packed.entry(header, await readFile(join(folder, path)));
    }
  } catch {
    return false; // what it is that cannot be read, the way for many files tells
  }
  packed.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of packed) chunks.push(chunk as Buffer);
  const script = `mkdir -p ${quotePath(to)} && cd ${quotePath(to)} && tar -xpof -`;
  const receiver = await link.open(["sh", "-c", script], signal ? { signal } : {});
  lastOf(receiver.stderr);
  receiver.stdout.resume();
  receiver.stdin.end(Buffer.concat(chunks));
  const { exitCode } = await receiver.ended;
  if (signal?.aborted) throw interrupted("the upload", signal);
  return exitCode === 0;
}
