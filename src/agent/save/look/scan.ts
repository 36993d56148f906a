// Walks a workspace: which files there are to save, without reading any but .gitignore files.
import { lstatSync, statSync, type Stats } from "node:fs";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { messageOf, systemCode } from "../../../base/errors.ts";
import type { SetAside } from "../../../model/save.ts";
import { judgeInside, readNames } from "./folder-names.ts";
import { rootJudged, type IgnoreRules, type Judged } from "./ignore-rules.ts";
import { findNameProblem, isNeverSaved } from "./saved-names.ts";
import { idOf, stampOf } from "./stamp.ts";
import { nameOf, parentOf, pathOf } from "./workspace-path.ts";

export type Found = { mode: "100644" | "100755" | "120000"; size: number; stamp: string };

/** A folder that is walked. */
export type Folder = {
  id: string;
  /** As the folders above judge it. */
  above: Judged;
  /** How its entries are judged. */
  judged: Judged;
  /** Of what `judged` was made of here: see `judgeInside`. */
  ignoreStamp: string;
};

export type Scanned = {
  /** Folders that were looked into, with the names of the files in them that are to be saved. */
  listed: Map<string, ReadonlySet<string>>;
  /** Of those files the ones that are not known as they are. */
  candidates: Map<string, Found>;
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
  /** Whether nothing is to be done about this file as long as it has this stamp. */
  isKnown: (path: string, stamp: string) => boolean;
  /** Before a folder is listed. */
  onFolder?: (folder: string, id: string) => void;
};

/** The event loop gets its turn after so many entries: a few milliseconds. */
const sliceEntries = 400;

/** @throws the system's error when the workspace itself cannot be listed */
export async function runScan(options: ScanOptions): Promise<Scanned> {
  const { since } = options;
  const scanned: Scanned = {
    listed: new Map(),
    candidates: new Map(),
    folders: new Map(since?.folders.has("") ? since.folders : []),
    asides: [],
  };
  if (!scanned.folders.has("")) {
    const id = idOf(statSync(options.workspace));
    scanned.folders.set("", { id, above: rootJudged, judged: rootJudged, ignoreStamp: "" });
    await walk(options, scanned, "", true);
    return scanned;
  }
  for (const folder of [...(since?.changed ?? [])].toSorted()) {
    const known = findKnown(scanned.folders, folder);
    if (!scanned.listed.has(known)) await walk(options, scanned, known, false);
  }
  return scanned;
}

/** Whether the scan saw a file there that is to be saved. */
export function isThere({ listed }: Scanned, path: string): boolean {
  return listed.get(parentOf(path))?.has(nameOf(path)) === true;
}

/** The folder itself, or the nearest above that is walked: it shows what became of the one below. */
function findKnown(folders: ReadonlyMap<string, Folder>, folder: string): string {
  let known = folder;
  while (!folders.has(known)) known = parentOf(known);
  return known;
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
  let read: ReturnType<typeof readNames>;
  try {
    read = readNames(path, folder);
  } catch (error) {
    return leave(scanned, folder, error);
  }
  for (const aside of read.asides) scanned.asides.push({ folder, aside });
  const { judged, ignoreStamp } = judgeInside(path, folder, read.names, known.above);
  scanned.folders.set(folder, { ...known, judged, ignoreStamp });
  if (ignoreStamp !== known.ignoreStamp) forgetBelow(scanned.folders, folder);
  const names = judged.ignored && !options.rules.reaches(folder) ? [] : read.names;
  const enter: Listing["enter"] = [];
  const files = new Set<string>();
  const before = new Set(deep ? [] : childrenOf(scanned.folders, folder));
  for (const name of names) {
    const inner = pathOf(folder, name);
    const child = lookAt(options, scanned, inner, name, judged, files);
    if (child === undefined) continue;
    before.delete(inner);
    if (scanned.folders.get(inner)?.id === child.id) continue;
    forget(scanned.folders, inner);
    scanned.folders.set(inner, child);
    enter.push({ folder: inner, deep: true });
  }
  scanned.listed.set(folder, files);
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

/** Notes a file; answers with a folder that is to be walked. */
function lookAt(
  { workspace, rules, skip, isKnown }: ScanOptions,
  scanned: Scanned,
  path: string,
  name: string,
  within: Judged,
  files: Set<string>,
): Folder | undefined {
  if (isNeverSaved(name)) return undefined;
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
  const { ignored, included } = rules.judge(path, isFolder, within);
  if (ignored && !(isFolder && rules.reaches(path))) return undefined;
  const problem = findNameProblem(name, stats.isSymbolicLink());
  if (problem !== undefined) {
    scanned.asides.push({ folder, aside: { path, kind: "name", why: problem } });
    return undefined;
  }
  if (isFolder) {
    if (join(workspace, path) === skip) return undefined;
    const same = ignored === within.ignored && included === within.included;
    const judged = same ? within : { ignored, included, files: within.files };
    return { id: idOf(stats), above: judged, judged, ignoreStamp: "" };
  }
  files.add(name);
  const stamp = stampOf(stats);
  if (!isKnown(path, stamp)) scanned.candidates.set(path, { mode: modeOf(stats), size: stats.size, stamp });
  return undefined;
}

function modeOf(stats: Stats): Found["mode"] {
  if (stats.isSymbolicLink()) return "120000";
  return (stats.mode & 0o100) === 0 ? "100644" : "100755";
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
