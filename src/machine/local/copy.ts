// Files from one folder of this machine to another: what transfers are where nothing has to travel.
import { constants, createReadStream, createWriteStream } from "node:fs";
import {
  chmod,
  copyFile,
  link,
  lstat,
  mkdir,
  open,
  readlink,
  realpath,
  rename,
  rm,
  symlink,
  utimes,
  type FileHandle,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { messageOf, SestaError, systemCode } from "../../base/errors.ts";
import { findDiskError } from "../../base/disk-error.ts";
import type { Bring } from "../fetch/fetch.ts";
import { reachBelow, toPath, type Bytes } from "../fetch/below.ts";
import { interrupted } from "../interrupted.ts";
import type { Transferred, TransferOptions, Upload } from "../machine.ts";

/** See `Machine.upload`. */
export async function copyFiles(
  { folder, files }: Upload,
  to: string,
  { signal, onProgress, similar }: TransferOptions & { similar?: string } = {},
): Promise<Transferred> {
  try {
    const found = await Promise.all(
      files.map(async (path) => ({ path, stat: await lstat(join(folder, path)) })),
    );
    const totalBytes = found.reduce((sum, { stat }) => sum + (stat.isFile() ? stat.size : 0), 0);
    await mkdir(to, { recursive: true });
    let doneBytes = 0;
    onProgress?.(0, totalBytes);
    for (const { path, stat } of found) {
      if (signal?.aborted) throw interrupted("the copy", signal);
      await mkdir(dirname(join(to, path)), { recursive: true });
      if (stat.isSymbolicLink()) await copyLink(join(folder, path), join(to, path));
      else if (stat.isFile()) {
        const others = similar === undefined ? [] : [join(similar, path)];
        await copyOne(join(folder, path), join(to, path), others);
        doneBytes += stat.size;
      } else
        throw new SestaError(
          "TRANSFER",
          `${join(folder, path)} cannot be sent: it is neither a file nor a link`,
        );
      onProgress?.(doneBytes, totalBytes);
    }
    onProgress?.(totalBytes, totalBytes);
    return { files: files.length, bytes: totalBytes };
  } catch (error) {
    if (error instanceof SestaError) throw error;
    throw (
      findDiskError(error, to) ??
      new SestaError("TRANSFER", `${folder} cannot be copied: ${messageOf(error)}`)
    );
  }
}

/** Reads no link, also none that has just taken the place of a file or of a folder on the way. */
export function bringByCopy(from: string): Bring {
  return async ({ files }, staging, { signal, onBytes }) => {
    const root = await realpath(from);
    let doneBytes = 0;
    for (const { path } of files) {
      signal.throwIfAborted();
      const to = toPath(staging, path);
      await mkdir(Buffer.from(dirname(to.toString("latin1")), "latin1"), { recursive: true, mode: 0o700 });
      const temporary = Buffer.concat([to, Buffer.from(".sesta-part")]);
      const source = await openFile(root, path);
      if (source === undefined) continue;
      const { mode, mtime, atime } = await source.stat();
      const reader = createReadStream("", { fd: source });
      reader.on("data", (chunk) => onBytes((doneBytes += chunk.length)));
      await pipeline(reader, createWriteStream(temporary, { mode: (mode & 0o777) | 0o600 }), { signal });
      await utimes(temporary, atime, mtime);
      await rename(temporary, to);
    }
  };
}

/** Undefined for what has gone, may not be read, or is no regular file by now. */
async function openFile(root: string, path: Bytes): Promise<FileHandle | undefined> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK; // a pipe waits for a writer
  const opened = await reachBelow(root, path, false, (at) => open(at, flags)).catch(() => undefined);
  if (opened === undefined || (await opened.stat()).isFile()) return opened;
  await opened.close();
  return undefined;
}

async function copyLink(from: string, to: string): Promise<void> {
  await rm(to, { force: true });
  await symlink(await readlink(from), to);
}

/** Time and size tell whether a file is the same, as rsync does; the time is set when it is whole. */
async function copyOne(from: string, to: string, similar: readonly string[]): Promise<void> {
  const stat = await lstat(from);
  const isSame = async (path: string) => {
    const other = await lstat(path).catch(() => undefined);
    return (
      other?.isFile() === true &&
      other.size === stat.size &&
      Math.abs(other.mtimeMs - stat.mtimeMs) < 1 &&
      other.mode === stat.mode
    );
  };
  if (await isSame(to)) return;
  await rm(to, { force: true });
  for (const other of similar) {
    if (await isSame(other)) return link(other, to);
  }
  await copyFile(from, to, constants.COPYFILE_FICLONE);
  await chmod(to, stat.mode & 0o7777).catch((error: unknown) => {
    if (systemCode(error) !== "EPERM") throw error;
  });
  await utimes(to, stat.atime, stat.mtime);
}
