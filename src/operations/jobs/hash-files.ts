// One digest of many files: names, modes and contents. What has not changed since the last time is not read again.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { writeAtomic } from "../../base/atomic-file.ts";
import type { Clock } from "../../base/clock.ts";
import { SestaError } from "../../base/errors.ts";

type Known = { stamp: string; hash: string };

/** A file that was written so shortly before it was read may have changed since without showing it (git's "racy" files). */
const settledMs = 2_000;
const together = 16;

/**
 * @param cacheFile what is known of the files; it may be missing, and is written anew
 * @returns 64 hexadecimal digits
 */
export async function hashFiles(
  folder: string,
  files: readonly string[],
  cacheFile: string,
  clock: Clock,
): Promise<{ digest: string; bytes: number }> {
  const before = await readKnown(cacheFile);
  const after: Record<string, Known> = {};
  const lines: string[] = [];
  let bytes = 0;
  let changed = false;
  for (let index = 0; index < files.length; index += together) {
    const part = files.slice(index, index + together);
    const found = await Promise.all(part.map((path) => hashFile(join(folder, path), before[path], clock)));
    found.forEach(({ mode, hash, stamp, size }, at) => {
      const path = part[at] ?? "";
      lines.push(`${mode} ${hash} ${path}`);
      bytes += size;
      if (stamp !== undefined) after[path] = { stamp, hash };
      if (stamp === undefined || before[path]?.stamp !== stamp) changed = true;
    });
  }
  if (changed) await writeAtomic(cacheFile, JSON.stringify(after)).catch(() => undefined);
  const digest = createHash("sha256").update(lines.join("\0")).digest("hex");
  return { digest, bytes };
}

async function hashFile(path: string, known: Known | undefined, clock: Clock) {
  const found = await lstat(path, { bigint: true }).catch((cause: unknown) => {
    throw new SestaError("SETUP_FAILED", `${path} went away while it was looked at`, {
      hint: "Run the same command again.",
      cause,
    });
  });
  if (found.isSymbolicLink()) {
    return { mode: "link", hash: sha256(await readlink(path)), stamp: undefined, size: 0 };
  }
  const mode = (Number(found.mode) & 0o111) === 0 ? "file" : "exec";
  const stamp = `${found.ino}.${found.size}.${found.mtimeNs}.${found.ctimeNs}`;
  const size = Number(found.size);
  if (known?.stamp === stamp) return { mode, hash: known.hash, stamp, size };
  const hash = size < 4_000_000 ? sha256(await readFile(path)) : await hashLarge(path);
  const isSettled = clock.now() - Number(found.ctimeNs / 1_000_000n) > settledMs;
  return { mode, hash, stamp: isSettled ? stamp : undefined, size };
}

function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

async function hashLarge(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

async function readKnown(path: string): Promise<Record<string, Known>> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as Record<string, Known>;
  } catch {
    return {};
  }
}
