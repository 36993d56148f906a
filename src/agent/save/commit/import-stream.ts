// Writes blobs and one commit into a repository through one `git fast-import`: all of it, or nothing that is seen.
import { SestaError } from "../../../base/errors.ts";
import type { Pipe } from "../../../machine/pipe.ts";
import type { Git } from "../git.ts";

export type ImportedFile = { mode: string; oid: string };

export type ImportedCommit = {
  ref: string;
  /** The commit that the ref names now; null when there is none. */
  from: string | null;
  merge?: string | undefined;
  author: { name: string; email: string };
  /** Milliseconds since the epoch. */
  at: number;
  message: string;
  remove: readonly string[];
  write: ReadonlyMap<string, ImportedFile>;
};

export type ImportStream = ReturnType<typeof createImport>;

/**
 * Larger content goes straight to the pack instead of through the memory of git. From 20 objects on the pack is kept,
 * which is synced once; fewer become loose objects.
 */
const settings = ["-c", "core.bigFileThreshold=8m", "-c", "fastimport.unpackLimit=20"];

/** Git starts with the first blob or the commit. Every function throws SestaError COMMAND_FAILED or DISK_FULL. */
export function createImport(git: Git) {
  let pipe: Pipe | undefined;
  let broken = false;
  const marks = new Map<string, number>();
  let lastMark = 0;

  async function send(bytes: string | Uint8Array): Promise<void> {
    pipe ??= git.pipe([...settings, "fast-import", "--done", "--quiet", "--depth=0"]);
    const { stdin } = pipe;
    const error = await new Promise((resolve) => stdin.write(bytes, resolve));
    if (!error && !broken) return;
    broken = true;
    throw explain((await pipe.ended).stderr);
  }

  return {
    /** Whether this content was sent. */
    has: (oid: string): boolean => marks.has(oid),
    async blob(oid: string, content: Uint8Array): Promise<void> {
      const mark = (lastMark += 1);
      await send(head(mark, content.length));
      await send(content); // written when this resolves, so that its room can be used again
      await send(newline);
      marks.set(oid, mark);
    },
    /** @param pieces sends exactly `size` bytes, and tells whether they are the content named `oid` */
    async longBlob(
      oid: string,
      size: number,
      pieces: (send: (piece: Uint8Array) => Promise<void>) => Promise<boolean>,
    ): Promise<boolean> {
      const mark = (lastMark += 1);
      await send(head(mark, size));
      const right = await pieces(send);
      await send(newline);
      if (right) marks.set(oid, mark);
      return right;
    },
    /** @returns the commit, which is on disk, and so is the ref */
    async commit(commit: ImportedCommit): Promise<string> {
      const mark = (lastMark += 1);
      for (const part of buildCommit(commit, mark, marks)) await send(part);
      await send(`get-mark :${mark}\ndone\n`);
      if (!pipe) throw new Error("git was not started");
      pipe.stdin.end();
      const parts: Buffer[] = [];
      for await (const part of pipe.stdout) parts.push(part as Buffer);
      const { exitCode, stderr } = await pipe.ended;
      const [made] = /^[0-9a-f]{40}$/m.exec(Buffer.concat(parts).toString()) ?? [];
      if (exitCode !== 0 || made === undefined) throw explain(stderr);
      return made;
    },
    /** Without `done` git makes nothing of what it was given. */
    async abort(): Promise<void> {
      if (!pipe) return;
      pipe.stdin.destroy();
      await pipe.ended.catch(() => undefined);
    },
  };
}

const newline = Buffer.from("\n");

function head(mark: number, size: number): string {
  return `blob\nmark :${mark}\ndata ${size}\n`;
}

/** In parts, since there can be many files. */
function* buildCommit(commit: ImportedCommit, mark: number, marks: ReadonlyMap<string, number>) {
  const { ref, from, merge, author, at, message, remove, write } = commit;
  const who = `${clean(author.name)} <${clean(author.email)}> ${Math.floor(at / 1000)} +0000`;
  let text = `commit ${ref}\nmark :${mark}\nauthor ${who}\ncommitter ${who}\n`;
  text += `data ${Buffer.byteLength(message)}\n${message}\n`;
  if (from !== null) text += `from ${from}\n`;
  if (merge !== undefined) text += `merge ${merge}\n`;
  for (const path of remove) text += `D ${quote(path)}\n`;
  for (const [path, { mode, oid }] of write) {
    const sent = marks.get(oid);
    text += `M ${mode} ${sent === undefined ? oid : `:${sent}`} ${quote(path)}\n`;
    if (text.length < 64 * 1024) continue;
    yield text;
    text = "";
  }
  yield `${text}\n`;
}

/** In an identity they would end it (git-fast-import(1)). */
function clean(text: string): string {
  return text.replace(/[<>\n\r\0]/g, " ").trim();
}

/** A C-style string (git-fast-import(1), filemodify): right for every path. */
function quote(path: string): string {
  return `"${path.replace(/["\\]/g, String.raw`\$&`).replace(/\n/g, String.raw`\n`)}"`;
}

function explain(stderr: string): SestaError {
  const last = stderr.split("\n").findLast((line) => /^(?:fatal|error):/.test(line)) ?? stderr.trim();
  if (/No space left on device|Disk quota exceeded|Out of diskspace/.test(stderr))
    return new SestaError("DISK_FULL", "The disk that holds the saves is full", { hint: "Free some space." });
  return new SestaError("COMMAND_FAILED", `git could not write the save: ${last || "it was ended"}`);
}
