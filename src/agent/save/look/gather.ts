// Reads the files that differ from the newest save, and sends the content that is new to the repository.
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import type { SetAside } from "../../../model/save.ts";
import { formatSize } from "../../../model/size.ts";
import type { SavedFile } from "../../../state/save-state.ts";
import type { Files } from "./gone.ts";
import type { IgnoreRules } from "./ignore-rules.ts";
import type { ImportStream } from "../commit/import-stream.ts";
import { heldBytes, nameBlob, readLink, readStable, sendFile, type ReadFile } from "./read-stable.ts";
import type { Found } from "./scan.ts";

/** Saves a large file elsewhere and answers with what stands for it; undefined: it is set aside. */
export type SaveLarge = (
  path: string,
  absolutePath: string,
  size: number,
) => Promise<{ pointer: Buffer } | undefined>;

export type GatherOptions = {
  workspace: string;
  files: Files;
  candidates: ReadonlyMap<string, Found>;
  rules: IgnoreRules;
  maxFileBytes: number;
  secrets: readonly string[];
  /** Paths that the remote refused. */
  without: ReadonlySet<string>;
  /** In how many takes in a row a file changed while it was read; kept between calls. */
  changing: Map<string, number>;
  /** Wall time, to know which files could change without looking changed. */
  now: () => number;
  large?: SaveLarge | undefined;
};

export type Gathered = {
  /** With content that the newest save does not have under this path. */
  write: Map<string, SavedFile>;
  /** The same content, looked at anew. */
  touch: Map<string, SavedFile>;
  asides: Map<string, { stamp: string; aside: SetAside }>;
  gone: Set<string>;
};

/** A file that changes in so many takes one after another is saved as it was read: a log that never rests. */
const patience = 3;
/** A file that changed so shortly before it was read may change again within the same tick of its clock. */
const racyMs = 2_000;
/** The stamp of what must be read again whatever lstat says. */
const unsure = "changing";
/** The event loop gets its turn after so many files or bytes: a few milliseconds, and at once after a large one. */
const slice = { files: 32, bytes: 256 * 1024 };

export async function gather(options: GatherOptions, stream: ImportStream): Promise<Gathered> {
  const gathered: Gathered = { write: new Map(), touch: new Map(), asides: new Map(), gone: new Set() };
  let longest = 0;
  for (const { size } of options.candidates.values()) longest = Math.max(longest, size);
  const room = Buffer.allocUnsafeSlow(Math.min(heldBytes, longest));
  const keep = createKeep(options, gathered, stream);
  let [files, bytes] = [0, 0];
  for (const [path, found] of options.candidates) {
    if (files >= slice.files || bytes >= slice.bytes) {
      await turn();
      [files, bytes] = [0, 0];
    }
    files += 1;
    bytes += found.size;
    if (options.without.has(path)) {
      const aside: SetAside = { path, kind: "refused", why: "the repository refuses it" };
      gathered.asides.set(path, { stamp: found.stamp, aside });
    } else if (found.mode === "120000") {
      const link = readLink(join(options.workspace, path));
      if (link) await keep(path, { ...link, mode: found.mode, stamp: found.stamp });
      else gathered.gone.add(path);
    } else await gatherFile(options, gathered, stream, { path, found, room }, keep);
  }
  return gathered;
}

type Kept = { oid: string; mode: string; stamp: string; content: Buffer };

async function gatherFile(
  options: GatherOptions,
  gathered: Gathered,
  stream: ImportStream,
  { path, found, room }: { path: string; found: Found; room: Buffer },
  keep: (path: string, kept: Kept) => Promise<void>,
): Promise<void> {
  const { workspace, rules, maxFileBytes, secrets, changing, large } = options;
  const absolute = join(workspace, path);
  const setAside = (kind: SetAside["kind"], why: string, stamp: string) =>
    gathered.asides.set(path, { stamp, aside: { path, kind, why } });
  const read = await readStable(absolute, { maxBytes: maxFileBytes, secrets, room });
  if (read.kind === "gone") return void gathered.gone.add(path);
  if (read.kind === "unreadable") return void setAside("unreadable", read.why, unsure);
  if (read.kind === "large") {
    const pointer = (await large?.(path, absolute, read.size))?.pointer;
    if (pointer)
      return keep(path, { oid: nameBlob(pointer), mode: found.mode, stamp: read.stamp, content: pointer });
    return void setAside(
      "large",
      `${formatSize(read.size)}, more than ${formatSize(maxFileBytes)}`,
      read.stamp,
    );
  }
  if (read.secret !== undefined && !rules.names(path))
    return void setAside("secret", read.secret, stampFor(read, options));
  const times = read.changed ? (changing.get(path) ?? 0) + 1 : 0;
  if (times > 0 && times < patience) {
    changing.set(path, times);
    return void setAside("changing", "it changed whenever it was read; it is read again", unsure);
  }
  changing.delete(path);
  const stamp = read.changed ? unsure : stampFor(read, options);
  if (read.content) return keep(path, { ...read, stamp, content: read.content });
  const saved = options.files.get(path);
  const known = saved?.oid === read.oid || stream.has(read.oid);
  const sent =
    known || (await stream.longBlob(read.oid, read.size, (send) => sendFile(absolute, read, send)));
  if (sent) return note(options, gathered, path, { ...read, stamp });
  changing.set(path, times + 1);
  setAside("changing", "it changed whenever it was read; it is read again", unsure);
}

function createKeep(options: GatherOptions, gathered: Gathered, stream: ImportStream) {
  let known: Set<string> | undefined;
  return async (path: string, kept: Kept): Promise<void> => {
    if (options.files.get(path)?.oid !== kept.oid && !stream.has(kept.oid)) {
      known ??= new Set([...options.files.values()].map(({ oid }) => oid));
      if (!known.has(kept.oid)) await stream.blob(kept.oid, kept.content);
    }
    note(options, gathered, path, kept);
  };
}

function note(
  { files }: GatherOptions,
  gathered: Gathered,
  path: string,
  { oid, mode, stamp }: { oid: string; mode: string; stamp: string },
): void {
  const saved = files.get(path);
  const same = saved?.oid === oid && saved.mode === mode;
  if (same && saved.stamp === stamp && !saved.held) return;
  (same ? gathered.touch : gathered.write).set(path, { oid, mode, stamp, held: false });
}

function stampFor({ stamp, ctimeMs }: ReadFile, { now }: GatherOptions): string {
  return Math.abs(now() - ctimeMs) < racyMs ? `${stamp} racy` : stamp;
}
