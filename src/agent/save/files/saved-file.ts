// Whether a file on the disk is what a commit holds.
import { createHash } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { lstat, open, readlink } from "node:fs/promises";
import { systemCode } from "../../../base/errors.ts";
import type { Git } from "../git.ts";
import { longestPointerBytes, parsePointer } from "../remote/lfs-pointer.ts";

/** A file of a commit. */
export type TreeFile = { mode: "100644" | "100755" | "120000"; oid: string };

/**
 * By content, kind and the owner's permission to execute.
 * @param pointers a file that a pointer of Git LFS stands for is as saved too
 */
export async function isAsSaved(git: Git, path: string, file: TreeFile, pointers: boolean): Promise<boolean> {
  const stats = await findStats(path);
  if (!stats || modeOf(stats) !== file.mode) return false;
  const hash = hashNameOf(file.oid);
  if (stats.isSymbolicLink()) {
    const target = await readlink(path, { encoding: "buffer" });
    return createHash(hash).update(blobHead(target.length)).update(target).digest("hex") === file.oid;
  }
  if ((await hashFile(path, hash, blobHead(stats.size))) === file.oid) return true;
  const pointer = pointers ? await findPointer(git, file.oid) : undefined;
  return pointer?.sizeBytes === stats.size && (await hashFile(path, "sha256", "")) === pointer.oid;
}

/** Of the thing itself, never of what a link leads to. */
export function findStats(path: string): Promise<Stats | undefined> {
  return lstat(path).catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  });
}

function modeOf(stats: Stats): TreeFile["mode"] | undefined {
  if (stats.isSymbolicLink()) return "120000";
  if (!stats.isFile()) return undefined;
  return (stats.mode & 0o100) === 0 ? "100644" : "100755";
}

async function findPointer(git: Git, oid: string) {
  const { stdout } = await git.run(["cat-file", "-s", oid]);
  if (Number(stdout) > longestPointerBytes) return undefined;
  return parsePointer(Buffer.from((await git.run(["cat-file", "blob", oid])).stdout));
}

async function hashFile(path: string, name: string, head: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  const hash = createHash(name).update(head);
  const part = Buffer.allocUnsafe(partBytes);
  try {
    for (;;) {
      const { bytesRead } = await file.read(part, 0, partBytes, null);
      if (bytesRead === 0) return hash.digest("hex");
      hash.update(part.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

const partBytes = 64 * 1024;

function blobHead(sizeBytes: number): string {
  return `blob ${sizeBytes}\0`;
}

/** Repositories name objects by SHA-1, newer ones by SHA-256 (gitformat: hash-function-transition). */
function hashNameOf(oid: string): string {
  return oid.length === 64 ? "sha256" : "sha1";
}
