// Reads a file so that what is saved was in it at one moment, and gives it the name that git has for its content.
import { createHash } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync, type Stats } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { setImmediate as turn } from "node:timers/promises";
import { messageOf, systemCode } from "../../../base/errors.ts";
import { stampOf } from "./stamp.ts";
import { createSecretScan } from "./secret-scan.ts";

export type ReadFile = {
  kind: "read";
  oid: string;
  mode: string;
  size: number;
  /** Of the moment of reading. */
  stamp: string;
  ctimeMs: number;
  /** It changed at each try; the bytes are those up to the size that it had at first. */
  changed: boolean;
  /** What secret it holds, and where. */
  secret: string | undefined;
  /** Undefined for a file that is longer than `heldBytes`: see `sendFile`. */
  content: Buffer | undefined;
};

export type Read =
  | ReadFile
  /** Gone, or no file any more. */
  | { kind: "gone" }
  /** Longer than allowed. */
  | { kind: "large"; size: number; stamp: string }
  | { kind: "unreadable"; why: string };

export type ReadOptions = {
  maxBytes: number;
  secrets: readonly string[];
  /** Where content is held; what was read before in the same room is gone. */
  room: Buffer;
};

/** Up to this length a file is held in memory as a whole. */
export const heldBytes = 1024 * 1024;
const pieceBytes = 256 * 1024;
const tries = 3;
// No link is followed, and a pipe that took the file's place does not block (open(2)).
const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

export async function readStable(path: string, options: ReadOptions): Promise<Read> {
  try {
    for (let attempt = 1; ; attempt++) {
      const read = (await readHeld(path, options)) ?? (await readLong(path, options));
      if (read.kind !== "read" || !read.changed || attempt === tries) return read;
      await turn();
    }
  } catch (error) {
    const code = systemCode(error);
    // ELOOP, ENXIO: a link, a socket in its place.
    if (code === "ENOENT" || code === "ENOTDIR" || code === "ELOOP" || code === "ENXIO")
      return { kind: "gone" };
    return { kind: "unreadable", why: code ?? messageOf(error) };
  }
}

/** A link is saved as what it says. */
export function readLink(path: string): { oid: string; content: Buffer } | undefined {
  try {
    const content = readlinkSync(path, { encoding: "buffer" });
    return { oid: nameBlob(content), content };
  } catch {
    return undefined;
  }
}

export function nameBlob(content: Uint8Array): string {
  return createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
}

/** Undefined when it is too long for that. */
async function readHeld(path: string, { maxBytes, secrets, room }: ReadOptions): Promise<Read | undefined> {
  const held = hold(path, maxBytes, room);
  if (!held || "kind" in held) return held;
  const { content, before, after } = held;
  const oid = nameBlob(content);
  const scan = createSecretScan(secrets);
  for (let at = 0; at < content.length; at += pieceBytes) {
    if (at > 0) await turn();
    scan.feed(content.subarray(at, at + pieceBytes));
  }
  return { ...describe(before, after, content.length), oid, secret: scan.end(), content };
}

/** Without the event loop's turn in between, so that the file has the least time to change. */
function hold(
  path: string,
  maxBytes: number,
  room: Buffer,
): { content: Buffer; before: Stats; after: Stats } | Exclude<Read, ReadFile> | undefined {
  const file = openSync(path, flags);
  try {
    const before = fstatSync(file);
    if (!before.isFile()) return { kind: "gone" };
    if (before.size > maxBytes) return { kind: "large", size: before.size, stamp: stampOf(before) };
    if (before.size > heldBytes) return undefined;
    const content =
      before.size <= room.length ? room.subarray(0, before.size) : Buffer.allocUnsafe(before.size);
    let length = 0;
    for (let got = -1; got !== 0 && length < content.length; length += got)
      got = readSync(file, content, length, content.length - length, length);
    return { content: content.subarray(0, length), before, after: fstatSync(file) };
  } finally {
    closeSync(file);
  }
}

async function readLong(path: string, { maxBytes, secrets }: ReadOptions): Promise<Read> {
  const file = await open(path, flags);
  try {
    const before = await file.stat();
    if (!before.isFile()) return { kind: "gone" };
    if (before.size > maxBytes) return { kind: "large", size: before.size, stamp: stampOf(before) };
    const hash = createHash("sha1").update(`blob ${before.size}\0`);
    const scan = createSecretScan(secrets);
    const length = await eachPiece(file, before.size, (piece) => {
      hash.update(piece);
      scan.feed(piece);
    });
    const described = describe(before, await file.stat(), length);
    return { ...described, oid: hash.digest("hex"), secret: scan.end(), content: undefined };
  } finally {
    await file.close();
  }
}

/**
 * Reads the file again, exactly `size` bytes of it, zeros where it has become shorter.
 * @returns whether that was the content with the name `oid`
 */
export async function sendFile(
  path: string,
  { size, oid }: { size: number; oid: string },
  send: (piece: Uint8Array) => Promise<void>,
): Promise<boolean> {
  const hash = createHash("sha1").update(`blob ${size}\0`);
  let sent = 0;
  try {
    const file = await open(path, flags);
    try {
      sent = await eachPiece(file, size, async (piece) => {
        hash.update(piece);
        await send(piece);
      });
    } finally {
      await file.close();
    }
  } catch (error) {
    if (systemCode(error) === undefined) throw error; // of `send`
  }
  const same = sent === size && hash.digest("hex") === oid;
  for (; sent < size; sent += pieceBytes) await send(Buffer.alloc(Math.min(pieceBytes, size - sent)));
  return same;
}

/** @returns how many bytes there were, `size` at most */
async function eachPiece(
  file: FileHandle,
  size: number,
  use: (piece: Buffer) => void | Promise<void>,
): Promise<number> {
  const room = Buffer.allocUnsafe(Math.min(pieceBytes, size));
  let length = 0;
  while (length < size) {
    const { bytesRead } = await file.read(room, 0, Math.min(room.length, size - length), length);
    if (bytesRead === 0) break;
    await use(room.subarray(0, bytesRead));
    length += bytesRead;
  }
  return length;
}

function describe(before: Stats, after: Stats, length: number) {
  return {
    kind: "read" as const,
    mode: (after.mode & 0o100) === 0 ? "100644" : "100755",
    size: length,
    stamp: stampOf(after),
    ctimeMs: after.ctimeMs,
    changed: stampOf(before) !== stampOf(after) || length !== before.size,
  };
}
