// Walks a workspace: which files there are to save, without reading any but .gitignore files.
import { lstatSync, readdirSync, readFileSync, statSync, type Stats } from "node:fs";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { messageOf, systemCode } from "../../base/errors.ts";
import type { SetAside } from "../../model/save.ts";
import { isEnvironment, parseIgnoreText, rootJudged, type IgnoreRules, type Judged } from "./ignore-rules.ts";
import { escapeName, findNameProblem } from "./saved-names.ts";

export type Found = {
  mode: "100644" | "100755" | "120000";
  size: number;
  /** All that lstat said and that changes with the content. */
  stamp: string;
  stats: Pick<Stats, "mtimeMs" | "ctimeMs" | "ino" | "mode">;
};

/** A folder that is walked. */
export type Folder = {
  id: string;
  judged: Judged;
  /** Stamp of its .gitignore file, "" without one. */
  ignoreStamp: string;
};

export type Scanned = {
  files: Map<string, Found>;
  /** Folders whose entries are all in `files` or are known to be none to save; "" is the workspace itself. */
  listed: Set<string>;
  /** Every folder that is walked, listed this time or before. */
  folders: Map<string, Folder>;
  /** What cannot be saved for its name, or not be looked at; `folder` is where it lies. */
  asides: { folder: string; aside: SetAside }[];
};

export type ScanOptions = {
  workspace: string;
  rules: IgnoreRules;
  /** An absolute path that is never entered. */
  skip: string;
  /** The folders of the scan before, and those of them to look into again; without it, everything. */
  since?: { folders: ReadonlyMap<string, Folder>; changed: ReadonlySet<string> };
  /** Files of a scan before: what did not change is the same object again, so that a scan leaves little to collect. */
  seen?: ReadonlyMap<string, Found>;
  /** Before a folder is listed. */
  onFolder?: (folder: string, id: string) => void;
};

/** The event loop gets its turn after so many entries: a few milliseconds. */
const sliceEntries = 400;

/** @throws the system's error when the workspace itself cannot be listed */
export async function runScan(options: ScanOptions): Promise<Scanned> {
  const { since } = options;
  const scanned: Scanned = {
    files: new Map(),
    listed: new Set(),
    folders: new Map(since?.folders),
    asides: [],
  };
  if (!since || !since.folders.has("")) scanned.folders.clear();
  if (!scanned.folders.has("")) {
    const id = idOf(statSync(options.workspace));
    scanned.folders.set("", { id, judged: rootJudged, ignoreStamp: "" });
    await walk(options, scanned, "", true);
    return scanned;
  }
  for (const folder of [...(since?.changed ?? [])].toSorted()) {
    const known = findKnown(scanned.folders, folder);
    if (!scanned.listed.has(known)) await walk(options, scanned, known, false);
  }
  return scanned;
}

export function stampOf({ size, mtimeMs, ctimeMs, ino, mode }: Stats): string {
  return `${size} ${mtimeMs} ${ctimeMs} ${ino} ${mode}`;
}

export function idOf({ dev, ino }: Stats): string {
  return `${dev}:${ino}`;
}

/** The folder itself, or the nearest above that is walked: it shows what became of the one below. */
function findKnown(folders: ReadonlyMap<string, Folder>, folder: string): string {
  let known = folder;
  while (!folders.has(known)) known = parentOf(known);
  return known;
}

export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

async function walk(options: ScanOptions, scanned: Scanned, from: string, deep: boolean): Promise<void> {
  const pending: { folder: string; deep: boolean }[] = [{ folder: from, deep }];
  let entries = 0;
  for (let next = pending.pop(); next; next = pending.pop()) {
    const listing = list(options, scanned, next.folder, next.deep);
    pending.push(...listing.enter);
    entries += listing.count + 1;
    if (entries < sliceEntries) continue;
    entries = 0;
    await turn();
  }
}

type Listing = { enter: { folder: string; deep: boolean }[]; count: number };

function list(options: ScanOptions, scanned: Scanned, folder: string, deep: boolean): Listing {
  const known = scanned.folders.get(folder);
  if (!known) return { enter: [], count: 0 };
  const path = join(options.workspace, folder);
  options.onFolder?.(folder, known.id);
  let names: string[];
  try {
    names = readNames(path, folder, scanned);
  } catch (error) {
    return leave(scanned, folder, error);
  }
  scanned.listed.add(folder);
  const { judged, ignoreStamp, changed } = judgeInside(path, folder, names, known);
  scanned.folders.set(folder, { ...known, judged, ignoreStamp });
  if (changed) forgetBelow(scanned.folders, folder);
  if (judged.ignored && !options.rules.reaches(folder)) names = [];
  const enter: Listing["enter"] = [];
  const before = new Set(deep ? [] : childrenOf(scanned.folders, folder));
  for (const name of names) {
    const inner = folder === "" ? name : `${folder}/${name}`;
    const child = lookAt(options, scanned, inner, name, judged);
    if (child === undefined) continue;
    before.delete(inner);
    if (scanned.folders.get(inner)?.id === child.id) continue;
    forget(scanned.folders, inner);
    scanned.folders.set(inner, child);
    enter.push({ folder: inner, deep: true });
  }
  for (const gone of before) forget(scanned.folders, gone);
  return { enter, count: names.length };
}

/** A folder that could not be listed is gone (the one above shows it), or its files stay as they were saved. */
function leave(scanned: Scanned, folder: string, error: unknown): Listing {
  if (folder === "") throw error;
  if (!isGone(error)) {
    scanned.asides.push({ folder: parentOf(folder), aside: unreadable(folder, error) });
    return { enter: [], count: 0 };
  }
  forget(scanned.folders, folder);
  const above = findKnown(scanned.folders, parentOf(folder));
  return { enter: scanned.listed.has(above) ? [] : [{ folder: above, deep: false }], count: 0 };
}

function readNames(path: string, folder: string, scanned: Scanned): string[] {
  const names = readdirSync(path);
  if (!names.some((name) => name.includes("\ufffd"))) return names;
  return readdirSync(path, { encoding: "buffer" }).flatMap((bytes) => {
    const name = bytes.toString("utf8");
    if (Buffer.from(name).equals(bytes)) return [name];
    const shown = escapeName(bytes);
    const aside: SetAside = {
      path: folder === "" ? shown : `${folder}/${shown}`,
      kind: "name",
      why: "the name is not UTF-8",
    };
    scanned.asides.push({ folder, aside });
    return [];
  });
}

function judgeInside(
  path: string,
  folder: string,
  names: readonly string[],
  { judged, ignoreStamp }: Folder,
): { judged: Judged; ignoreStamp: string; changed: boolean } {
  const ignored = judged.ignored || (folder !== "" && !judged.included && isEnvironment(names));
  const above = judged.files.filter((file) => file.folder !== folder);
  const file =
    ignored || !names.includes(".gitignore") ? undefined : readIgnoreFile(join(path, ".gitignore"));
  const files = file ? [...above, { folder, patterns: parseIgnoreText(file.text) }] : above;
  const stamp = `${file?.stamp ?? ""}${ignored ? " ignored" : ""}`;
  return { judged: { ...judged, ignored, files }, ignoreStamp: stamp, changed: stamp !== ignoreStamp };
}

const ignoreFileBytes = 1024 * 1024;

/** A link counts as none (gitignore(5)), nor does what cannot be read. */
function readIgnoreFile(path: string): { stamp: string; text: string } | undefined {
  try {
    const stats = lstatSync(path);
    if (!stats.isFile() || stats.size > ignoreFileBytes) return undefined;
    return { stamp: stampOf(stats), text: readFileSync(path, "utf8") };
  } catch {
    return undefined;
  }
}

/** Notes a file; answers with a folder that is to be walked. */
function lookAt(
  { workspace, rules, skip, seen }: ScanOptions,
  scanned: Scanned,
  path: string,
  name: string,
  within: Judged,
): Folder | undefined {
  if (name === ".git") return undefined;
  const folder = parentOf(path);
  let stats: Stats;
  try {
    stats = lstatSync(join(workspace, path));
  } catch (error) {
    if (!isGone(error)) scanned.asides.push({ folder, aside: unreadable(path, error) });
    return undefined;
  }
  const isFolder = stats.isDirectory();
  if (!isFolder && !stats.isFile() && !stats.isSymbolicLink()) return undefined;
  const judged = rules.judge(path, isFolder, within);
  if (judged.ignored && !(isFolder && rules.reaches(path))) return undefined;
  const problem = findNameProblem(name, stats.isSymbolicLink());
  if (problem !== undefined) {
    scanned.asides.push({ folder, aside: { path, kind: "name", why: problem } });
    return undefined;
  }
  if (isFolder) {
    if (join(workspace, path) === skip) return undefined;
    return { id: idOf(stats), judged: { ...judged, files: within.files }, ignoreStamp: "" };
  }
  const known = seen?.get(path);
  scanned.files.set(path, known && isSame(known, stats) ? known : describe(stats));
  return undefined;
}

function isSame({ size, stats }: Found, now: Stats): boolean {
  const { mtimeMs, ctimeMs, ino, mode } = stats;
  return (
    now.size === size &&
    now.mtimeMs === mtimeMs &&
    now.ctimeMs === ctimeMs &&
    now.ino === ino &&
    now.mode === mode
  );
}

function describe(stats: Stats): Found {
  const { size, mtimeMs, ctimeMs, ino, mode } = stats;
  const kind = stats.isSymbolicLink() ? "120000" : (mode & 0o100) === 0 ? "100644" : "100755";
  return { mode: kind, size, stamp: stampOf(stats), stats: { mtimeMs, ctimeMs, ino, mode } };
}

function unreadable(path: string, error: unknown): SetAside {
  return { path, kind: "unreadable", why: systemCode(error) ?? messageOf(error) };
}

function isGone(error: unknown): boolean {
  const code = systemCode(error);
  return code === "ENOENT" || code === "ENOTDIR";
}

function childrenOf(folders: ReadonlyMap<string, Folder>, folder: string): string[] {
  return [...folders.keys()].filter((path) => path !== "" && parentOf(path) === folder);
}

function forget(folders: Map<string, Folder>, folder: string): void {
  if (folders.delete(folder)) forgetBelow(folders, folder);
}

function forgetBelow(folders: Map<string, Folder>, folder: string): void {
  for (const path of folders.keys()) {
    if (path !== "" && (folder === "" || path.startsWith(`${folder}/`))) folders.delete(path);
  }
}
