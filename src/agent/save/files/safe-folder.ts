// Reaches places below one folder without ever passing through a link, whoever changes the folder meanwhile.
import { constants, existsSync } from "node:fs";
import { mkdir, open, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { systemCode } from "../../../base/errors.ts";

export type SafeFolder = {
  /** Where something of this name is, for calls of node:fs. */
  at(name: string): string;
  /** Makes what was created in it durable. */
  sync(): Promise<void>;
  close(): Promise<void>;
};

/**
 * @param path of the folder, relative to `root`, its parts checked by `isSafePath`; "" is `root` itself
 * @param make missing folders are made, as readable as people's own (0755)
 * @returns undefined where a link, a file or somebody's permissions stand in the way, or nothing is there and `make` is false
 */
export async function openSafeFolder(
  root: string,
  path: string,
  make: boolean,
): Promise<SafeFolder | undefined> {
  let handle = await open(root, constants.O_RDONLY | constants.O_DIRECTORY);
  let where = root;
  for (const name of path === "" ? [] : path.split("/")) {
    const next = join(reachable ? `/proc/self/fd/${handle.fd}` : where, name);
    const below = await openOne(next, make).finally(() => handle.close());
    if (!below) return undefined;
    handle = below;
    where = join(where, name);
  }
  const base = reachable ? `/proc/self/fd/${handle.fd}` : where;
  return { at: (name) => `${base}/${name}`, sync: () => handle.sync(), close: () => handle.close() };
}

/** Linux has no openat for Node, but goes through an open folder by this name (proc(5): /proc/pid/fd). */
const reachable = process.platform === "linux" && existsSync("/proc/self/fd");

async function openOne(path: string, make: boolean): Promise<FileHandle | undefined> {
  try {
    return await open(path, folderOnly);
  } catch (error) {
    if (blocked.has(systemCode(error) ?? "")) return undefined;
    if (systemCode(error) !== "ENOENT") throw error;
    if (!make) return undefined;
  }
  try {
    await mkdir(path);
  } catch (error) {
    if (systemCode(error) !== "EEXIST") throw error;
  }
  const handle = await open(path, folderOnly);
  await handle.chmod(0o755);
  return handle;
}

const folderOnly = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const blocked = new Set(["ENOTDIR", "ELOOP", "EMLINK", "EACCES", "EPERM", "ENAMETOOLONG"]);

/** Whether a path of a commit may be written at all: relative, without `..`, and no part that git itself would own. */
export function isSafePath(path: string): boolean {
  return path !== "" && !path.includes("\0") && path.split("/").every(isSafeName);
}

// What a file system takes for `.git` (git's verify_path): case, HFS+'s ignored characters, NTFS's short name and tails.
function isSafeName(name: string): boolean {
  if (name === "" || name === "." || name === "..") return false;
  const plain = name
    .replace(/[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g, "")
    .toLowerCase()
    .replace(/[. ]+$|:.*$/g, "");
  return plain !== ".git" && plain !== "git~1";
}
