// Writes the files of a commit into a folder: whole or not at all, never through a link, never outside.
import { createReadStream } from "node:fs";
import { findDiskError } from "../../../base/disk-error.ts";
import { systemCode } from "../../../base/errors.ts";
import type { Git } from "../git.ts";
import { longestPointerBytes, parsePointer } from "../remote/lfs-pointer.ts";
import type { Lfs } from "../remote/lfs.ts";
import { placeFile } from "./place-file.ts";
import { readBlobs, type Blob } from "./read-blobs.ts";
import { findStats, isAsSaved, type TreeFile } from "./saved-file.ts";
import { isSafePath, openSafeFolder, type SafeFolder } from "./safe-folder.ts";
import { inFolders, sortTargets, type Target } from "./tree-targets.ts";

export type { TreeFile } from "./saved-file.ts";
/** By path. */
export type Tree = ReadonlyMap<string, TreeFile & { size: number }>;

export type WriteOptions = {
  /**
   * What stands at a path already: false leaves it; true replaces it; a map, by path in the commit, replaces it only
   * while it is as the map says, so that nothing is lost that was written since.
   */
  overwrite: boolean | ReadonlyMap<string, TreeFile>;
  /** Another path for a file. */
  as?: (path: string) => string;
  /** Pointers of Git LFS are replaced by what they stand for; without it they are files like any other. */
  lfs?: Pick<Lfs, "get"> | undefined;
  signal?: AbortSignal | undefined;
};

export type Written = {
  /** Where files were written; one that is as it should be already is in no list. */
  written: string[];
  /** What was not to be replaced, or could not be; and names that must not be written. */
  kept: string[];
  /** Of those written: what is only a pointer, because Git LFS did not give the content. */
  pointers: string[];
};

/** Names that are no UTF-8, and other repositories within this one, are not among them. */
export async function listTree(git: Git, commit: string): Promise<Map<string, TreeFile & { size: number }>> {
  const lines = (await git.get(["ls-tree", "-r", "-z", "-l", "--full-tree", commit])).split("\0");
  const files = new Map<string, TreeFile & { size: number }>();
  for (const line of lines) {
    const [, bits, oid, size, path] = /^(\d{6}) blob ([0-9a-f]+) +(\d+)\t(.*)$/s.exec(line) ?? [];
    if (bits === undefined || oid === undefined || path === undefined || path.includes("\ufffd")) continue;
    const mode = bits === "120000" ? bits : (Number.parseInt(bits, 8) & 0o100) === 0 ? "100644" : "100755";
    files.set(path, { mode, oid, size: Number(size) });
  }
  return files;
}

/** @throws SestaError DISK_FULL; what was written until then stays, complete */
export async function writeTree(
  git: Git,
  files: ReadonlyMap<string, TreeFile>,
  folder: string,
  options: WriteOptions,
): Promise<Written> {
  const { as = (path) => path, signal } = options;
  const result: Written = { written: [], kept: [], pointers: [] };
  const targets = [...files].map(([from, file]) => ({ from, path: as(from), file }));
  result.kept.push(...targets.flatMap(({ path }) => (isSafePath(path) ? [] : [path])));
  const due: Target[] = [];
  await inFolders(folder, sortTargets(targets), false, async (target, place) => {
    signal?.throwIfAborted();
    const answer = place
      ? await weigh(git, place, target, options).catch((error: unknown) => passOver(error, folder) || "keep")
      : "write";
    if (answer === "write") due.push(target);
    if (answer === "keep") result.kept.push(target.path);
  });
  await writeTargets(git, folder, due, options, result);
  return result;
}

async function weigh(
  git: Git,
  place: SafeFolder,
  { from, name, file }: Target,
  { overwrite, lfs }: WriteOptions,
): Promise<"write" | "keep" | "same"> {
  const path = place.at(name);
  const stats = await findStats(path);
  if (!stats) return "write";
  if (overwrite === false || !(stats.isFile() || stats.isSymbolicLink())) return "keep";
  if (await isAsSaved(git, path, file, lfs !== undefined)) return "same";
  return (await mayReplace(git, path, from, overwrite, lfs !== undefined)) ? "write" : "keep";
}

async function mayReplace(
  git: Git,
  path: string,
  from: string,
  overwrite: true | ReadonlyMap<string, TreeFile>,
  pointers: boolean,
): Promise<boolean> {
  if (overwrite === true) return true;
  const expected = overwrite.get(from);
  return expected !== undefined && (await isAsSaved(git, path, expected, pointers));
}

/** So many files are made durable side by side: a disk takes many at once for the price of one. */
const sideBySide = 16;

async function writeTargets(
  git: Git,
  folder: string,
  due: readonly Target[],
  { overwrite, lfs, signal }: WriteOptions,
  result: Written,
): Promise<void> {
  const oids = due.map(({ file }) => file.oid);
  const ending = new Set<Promise<void>>();
  let place: SafeFolder | undefined;
  let parent: string | undefined;
  const leave = async () => {
    await Promise.all(ending);
    await place?.sync();
    await place?.close();
    place = undefined;
  };
  const write = async (target: Target, blob: Blob) => {
    if (target.parent !== parent) {
      await leave();
      parent = target.parent;
      place = await openSafeFolder(folder, parent, true);
    }
    const { name, path, from, file } = target;
    const into = place;
    if (!into) return void result.kept.push(path);
    const content = await readContent(blob, file, lfs, signal);
    const replace =
      overwrite === false || content.isPointer
        ? false
        : () => mayReplace(git, into.at(name), from, overwrite, lfs !== undefined);
    const finish = await placeFile(into, name, file.mode, content.parts, replace);
    const end = tell(finish(), target, content.isPointer).finally(() => ending.delete(end));
    end.catch(() => undefined); // whoever waits for `ending` hears of it
    ending.add(end);
    if (ending.size >= sideBySide) await Promise.race(ending);
  };
  const tell = async (done: Promise<boolean>, { path }: Target, isPointer: boolean) => {
    const list = (await done.catch((error: unknown) => passOver(error, folder)))
      ? result.written
      : result.kept;
    list.push(path);
    if (isPointer && list === result.written) result.pointers.push(path);
  };
  try {
    await readBlobs(
      git,
      oids,
      async (index, blob) => {
        const target = due[index];
        if (!target) return;
        await write(target, blob).catch((error: unknown) => {
          passOver(error, folder);
          result.kept.push(target.path);
        });
      },
      signal,
    );
  } finally {
    await Promise.allSettled(ending);
    await leave().catch((error: unknown) => passOver(error, folder));
  }
}

/** False for what concerns one file only. @throws everything else, a full disk with its explanation */
function passOver(error: unknown, folder: string): false {
  if (oneFile.has(systemCode(error) ?? "")) return false;
  throw findDiskError(error, folder) ?? error;
}

const oneFile = new Set([
  "EACCES",
  "EPERM",
  "ENAMETOOLONG",
  "EISDIR",
  "ENOTDIR",
  "EEXIST",
  "ENOENT",
  "EINVAL",
  "ELOOP",
  "EILSEQ",
  "ENOTEMPTY",
]);

type Content = { parts: AsyncIterable<Buffer>; isPointer: boolean };

async function readContent(
  { sizeBytes, parts }: Blob,
  { mode }: TreeFile,
  lfs: Pick<Lfs, "get"> | undefined,
  signal: AbortSignal | undefined,
): Promise<Content> {
  if (!lfs || mode === "120000" || sizeBytes > longestPointerBytes) return { parts, isPointer: false };
  const all: Buffer[] = [];
  for await (const part of parts) all.push(Buffer.from(part));
  const content = Buffer.concat(all);
  const pointer = parsePointer(content);
  const path = pointer && (await lfs.get(pointer, signal).catch(() => undefined));
  signal?.throwIfAborted();
  return path === undefined
    ? { parts: oneOf(content), isPointer: pointer !== undefined }
    : { parts: createReadStream(path) as AsyncIterable<Buffer>, isPointer: false };
}

async function* oneOf(content: Buffer): AsyncGenerator<Buffer> {
  yield content;
}
