// Puts one file, or one link, into an open folder: complete under its name, or not there.
import { randomBytes } from "node:crypto";
import { link, open, rename, symlink, unlink } from "node:fs/promises";
import { systemCode } from "../../../base/errors.ts";
import type { SafeFolder } from "./safe-folder.ts";
import { findStats, type TreeFile } from "./saved-file.ts";

/** What a write in progress is called; it begins with this and ends in `.tmp`. */
export const temporaryPrefix = ".sesta-write-";

/** Whether what stands under the name may go, asked at the last moment; false: only an empty place is taken. */
export type MayReplace = false | (() => Promise<boolean>);

/**
 * Resolves once the content is written, with what brings it under its name: that makes it durable, and is false when
 * something there was to stay.
 */
export async function placeFile(
  place: SafeFolder,
  name: string,
  mode: TreeFile["mode"],
  parts: AsyncIterable<Buffer>,
  mayReplace: MayReplace,
): Promise<() => Promise<boolean>> {
  const temporary = place.at(`${temporaryPrefix}${randomBytes(8).toString("hex")}.tmp`);
  if (mode === "120000") {
    const target = await collect(parts);
    await symlink(target, temporary);
    return () => settle(place, name, temporary, mayReplace, true);
  }
  const file = await open(temporary, "wx", 0o600);
  try {
    for await (const part of parts) await file.writeFile(part);
    await file.chmod(await permissionsFor(place.at(name), mode));
  } catch (error) {
    await file.close();
    await unlink(temporary);
    throw error;
  }
  return async () => {
    try {
      await file.sync();
    } finally {
      await file.close();
    }
    return settle(place, name, temporary, mayReplace, false);
  };
}

/** As people's own files have them, whatever the umask of the agent; a file that was there keeps who may read it. */
async function permissionsFor(path: string, mode: TreeFile["mode"]): Promise<number> {
  const before = await findStats(path);
  const readable = before?.isFile() ? (before.mode & 0o666) | 0o600 : 0o644;
  return mode === "100755" ? readable | ((readable & 0o444) >> 2) : readable;
}

async function settle(
  place: SafeFolder,
  name: string,
  temporary: string,
  mayReplace: MayReplace,
  isLink: boolean,
): Promise<boolean> {
  const path = place.at(name);
  try {
    if (mayReplace === false && !isLink) return await linkOver(temporary, path);
    const before = await findStats(path);
    if (before && !(before.isFile() || before.isSymbolicLink())) return false;
    if (before && (mayReplace === false || !(await mayReplace()))) return false;
    await rename(temporary, path);
    return true;
  } finally {
    await unlink(temporary).catch(() => undefined);
  }
}

// A link, unlike a rename, never replaces. Some file systems have none.
async function linkOver(temporary: string, path: string): Promise<boolean> {
  try {
    await link(temporary, path);
    return true;
  } catch (error) {
    if (systemCode(error) === "EEXIST") return false;
    if (!withoutLinks.has(systemCode(error) ?? "") || (await findStats(path))) throw error;
    await rename(temporary, path);
    return true;
  }
}

const withoutLinks = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);

async function collect(parts: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const part of parts) all.push(Buffer.from(part));
  return Buffer.concat(all);
}
