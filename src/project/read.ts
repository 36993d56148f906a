// Reads the bytes of sesta.yaml, and what tells this very file from every other.
import { constants } from "node:fs";
import { open, stat } from "node:fs/promises";
import { join } from "node:path";
import { messageOf, SestaError, systemCode } from "../base/errors.ts";
import { projectFileName } from "../model/project.ts";

export type ProjectBytes = {
  bytes: Buffer;
  /** Device, inode and change time: no archive or clone can choose them, and every write changes them. */
  identity: string;
};

export const maxProjectBytes = 1_000_000;

/** @throws SestaError PROJECT_MISSING, PROJECT_UNREADABLE */
export async function readProjectFile(folder: string): Promise<ProjectBytes> {
  const path = join(folder, projectFileName);
  try {
    const kind = await stat(path); // before open, which would wait for ever on a pipe
    if (kind.isDirectory()) throw unreadable(path, "it is a folder, not a file");
    if (!kind.isFile()) throw unreadable(path, "it is not an ordinary file");
    if (kind.size > maxProjectBytes) throw tooLarge(path);
    return await readWhole(path);
  } catch (error) {
    if (error instanceof SestaError) throw error;
    const code = systemCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") {
      throw new SestaError("PROJECT_MISSING", `there is no ${projectFileName} in ${folder}`, {
        hint: "Make one with `sesta init`, or name the project's folder with `-C DIR`.",
        cause: error,
      });
    }
    const reason = code === "EACCES" ? "you have no permission to read it" : messageOf(error);
    throw unreadable(path, reason, error);
  }
}

async function readWhole(path: string): Promise<ProjectBytes> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const before = await file.stat({ bigint: true });
    const buffer = Buffer.alloc(maxProjectBytes + 1);
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length, null);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    if (length > maxProjectBytes) throw tooLarge(path);
    return {
      bytes: Buffer.from(buffer.subarray(0, length)),
      identity: `${before.dev}:${before.ino}:${before.ctimeNs}`,
    };
  } finally {
    await file.close();
  }
}

function tooLarge(path: string): SestaError {
  return unreadable(path, "it is larger than 1 MB");
}

function unreadable(path: string, reason: string, cause?: unknown): SestaError {
  return new SestaError("PROJECT_UNREADABLE", `${projectFileName} cannot be read: ${reason}`, {
    where: path,
    cause,
    hint: `\`${projectFileName}\` must be a text file of at most 1 MB that you can read.`,
  });
}
