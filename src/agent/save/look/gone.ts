// Which saved files are gone from the workspace, and whether that can be meant.
import type { SavedFile } from "../../../state/save-state.ts";
import type { IgnoreRules } from "./ignore-rules.ts";
import { isThere, type Scanned } from "./scan.ts";
import { listAbove, parentOf } from "./workspace-path.ts";

export type Files = ReadonlyMap<string, SavedFile>;

/**
 * Saved files that the scan shows to be gone, or ignored now. Not among them: what the scan did not look at or could
 * not, and what came with an adopted commit and is ignored here, since Sesta never saved it.
 * @param unreadable paths whose content is unknown
 */
export function findGone(
  files: Files,
  scanned: Scanned,
  unreadable: ReadonlySet<string>,
  rules: IgnoreRules,
): string[] {
  const known = new Map<string, "listed" | "gone" | "unknown">();
  function look(folder: string): "listed" | "gone" | "unknown" {
    const before = known.get(folder);
    if (before) return before;
    const now = lookNow(folder);
    known.set(folder, now);
    return now;
  }
  function lookNow(folder: string): "listed" | "gone" | "unknown" {
    if (scanned.listed.has(folder)) return "listed";
    if (folder === "" || scanned.folders.has(folder) || unreadable.has(folder)) return "unknown";
    const above = look(parentOf(folder));
    return above === "unknown" ? "unknown" : "gone";
  }
  const gone: string[] = [];
  for (const [path, { mode, stamp }] of files) {
    if (isThere(scanned, path) || unreadable.has(path) || look(parentOf(path)) === "unknown") continue;
    if (mode === "160000") continue; // another repository, of which Sesta writes and saves nothing
    if (stamp === "" && isIgnored(path, scanned, rules)) continue;
    gone.push(path);
  }
  return gone;
}

/** Of `gone`, what no other file of the next save holds the content of: moving and renaming lose nothing. */
export function findLost(files: Files, gone: readonly string[], oids: Iterable<string>): string[] {
  if (gone.length === 0) return [];
  const left = new Set(oids);
  const going = new Set(gone);
  for (const [path, { oid }] of files) if (!going.has(path)) left.add(oid);
  return gone.filter((path) => !left.has(files.get(path)?.oid ?? ""));
}

/**
 * Paths of `files` that cannot stand beside what is written: a file where a folder is now, or the other way round.
 * @param written paths that the next save holds for sure
 */
export function findInTheWay(files: Files, written: Iterable<string>, going: ReadonlySet<string>): string[] {
  const added = [...written].filter((path) => !files.has(path));
  if (added.length === 0) return [];
  const names = new Set(added);
  const above = new Set(added.flatMap(listAbove));
  return [...files.keys()].filter(
    (path) => !going.has(path) && (above.has(path) || listAbove(path).some((folder) => names.has(folder))),
  );
}

function isIgnored(path: string, { folders }: Scanned, rules: IgnoreRules): boolean {
  let within = folders.get("")?.judged;
  if (!within) return false;
  for (const folder of listAbove(path).toReversed())
    within = folders.get(folder)?.judged ?? { ...rules.judge(folder, true, within), files: within.files };
  return rules.judge(path, false, within).ignored;
}
