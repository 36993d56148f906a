// Puts files that are whole into their places, through folders that no link can lead away.
import { constants, type BigIntStats } from "node:fs";
import { lstat, mkdir, open, rename, type FileHandle } from "node:fs/promises";
import { systemCode } from "../../base/errors.ts";

/** Bytes of a path, one in each character. */
export type Bytes = string;

/**
 * Moves `path` from the staging folder into `into`, over a file that is there.
 * @returns why it was left out; undefined when it is in place
 */
export async function placeFile(staging: string, into: string, path: Bytes): Promise<string | undefined> {
  const from = toPath(staging, path);
  const found = await lstat(from).catch(() => undefined);
  if (found === undefined) return "it went away meanwhile, or could not be read";
  if (!found.isFile()) return "it is no regular file";
  const parts = path.split("/");
  const name = parts.pop() ?? "";
  const opened: FileHandle[] = [];
  try {
    let folder: Buffer = Buffer.from(into);
    let handle = await openFolder(folder);
    opened.push(handle);
    for (const part of parts) {
      const below = toPath(reach(handle, folder), part);
      await mkdir(below, { mode: 0o777 }).catch(ignoreExisting);
      folder = toPath(folder, part);
      handle = await openFolder(below);
      opened.push(handle);
    }
    await rename(from, toPath(await checked(handle, folder), name));
    return undefined;
  } catch (error) {
    const why = reasons[systemCode(error) ?? ""];
    if (why === undefined) throw error;
    return why;
  } finally {
    await Promise.all(opened.map((handle) => handle.close()));
  }
}

/** A path of this machine from bytes. */
export function toPath(folder: string | Buffer, path: Bytes): Buffer {
  return Buffer.concat([Buffer.from(folder), Buffer.from("/"), Buffer.from(path, "latin1")]);
}

const reasons: Readonly<Record<string, string>> = {
  ELOOP: "a link stands in its way here",
  ENOTDIR: "a link or a file stands in its way here",
  EISDIR: "a folder stands in its place here",
  ENOTEMPTY: "a folder stands in its place here",
  EEXIST: "a folder stands in its place here",
  ENAMETOOLONG: "its name is too long here",
  EILSEQ: "its name is none here",
  ESTALE: "its folder was exchanged here meanwhile",
};

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
