// Reaches a file below a folder through folders that are opened one by one, so that no link leads away.
import { constants, type BigIntStats } from "node:fs";
import { lstat, mkdir, open, type FileHandle } from "node:fs/promises";
import { systemCode } from "../../base/errors.ts";

/** Bytes of a path, one in each character. */
export type Bytes = string;

/**
 * @param root no link itself @param make whether folders that are not there are made
 * @param use given the file's path, good until it returns. Of that only the name could still be a link
 * @throws system errors: ELOOP or ENOTDIR where something else than a folder is in the way, ESTALE
 */
export async function reachBelow<Result>(
  root: string,
  path: Bytes,
  make: boolean,
  use: (path: Buffer) => Promise<Result>,
): Promise<Result> {
  const parts = path.split("/");
  const name = parts.pop() ?? "";
  const opened: FileHandle[] = [];
  try {
    let folder: Buffer = Buffer.from(root);
    let handle = await openFolder(folder);
    opened.push(handle);
    for (const part of parts) {
      const below = toPath(reach(handle, folder), part);
      if (make) await mkdir(below, { mode: 0o777 }).catch(ignoreExisting);
      folder = toPath(folder, part);
      handle = await openFolder(below);
      opened.push(handle);
    }
    return await use(toPath(await checked(handle, folder), name));
  } finally {
    await Promise.all(opened.map((one) => one.close()));
  }
}

/** A path of this machine from bytes. */
export function toPath(folder: string | Buffer, path: Bytes): Buffer {
  return Buffer.concat([Buffer.from(folder), Buffer.from("/"), Buffer.from(path, "latin1")]);
}

/** Never a link: a folder that is opened stays this folder, whatever takes its place. */
function openFolder(path: Buffer): Promise<FileHandle> {
  return open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
}

/** The opened folder as a path: on Linux by its descriptor, see proc(5). */
function reach(handle: FileHandle, path: Buffer): Buffer {
  return process.platform === "linux" ? Buffer.from(`/proc/self/fd/${handle.fd}`) : path;
}

/** Where there are no such paths, at least what stands there now is the folder that was opened. */
async function checked(handle: FileHandle, path: Buffer): Promise<Buffer> {
  if (process.platform === "linux") return reach(handle, path);
  const [opened, now] = await Promise.all([handle.stat({ bigint: true }), lstat(path, { bigint: true })]);
  if (!isSame(opened, now)) throw Object.assign(new Error("exchanged"), { code: "ESTALE" });
  return path;
}

function isSame(one: BigIntStats, other: BigIntStats): boolean {
  return one.dev === other.dev && one.ino === other.ino;
}

function ignoreExisting(error: unknown): void {
  if (systemCode(error) !== "EEXIST") throw error;
}
