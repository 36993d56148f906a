// What is set aside of a workspace, and since which state of the file, so that it is not read again and again.
import type { SetAside } from "../../../model/save.ts";
import { isThere, type Scanned } from "./scan.ts";
import { parentOf } from "./workspace-path.ts";

export type Asides = ReturnType<typeof createAsides>;

export function createAsides() {
  /** Without a stamp: found by a scan, which finds it again if it is still there. */
  const all = new Map<string, { folder: string; stamp: string; aside: SetAside }>();
  const changing = new Map<string, number>();

  return {
    /** In how many takes in a row a file changed while it was read. */
    changing,
    isKnown: (path: string, stamp: string): boolean => all.get(path)?.stamp === stamp,
    /** Forgets what is no longer there; adds what this scan found. */
    see(scanned: Scanned): void {
      for (const [path, { folder, stamp }] of all) {
        const looked = scanned.listed.has(folder) || !scanned.folders.has(folder);
        if (looked && (stamp === "" || !isThere(scanned, path))) all.delete(path);
      }
      for (const path of changing.keys()) if (!all.has(path)) changing.delete(path);
      for (const { folder, aside } of scanned.asides) all.set(aside.path, { folder, stamp: "", aside });
    },
    /** @param saved paths that are set aside no more */
    read(found: ReadonlyMap<string, { stamp: string; aside: SetAside }>, saved: Iterable<string>): void {
      for (const [path, { stamp, aside }] of found) all.set(path, { folder: parentOf(path), stamp, aside });
      for (const path of saved) all.delete(path);
    },
    /** Paths whose content is unknown. */
    unreadable: (): Set<string> =>
      new Set([...all.values()].flatMap(({ aside }) => (aside.kind === "unreadable" ? [aside.path] : []))),
    /** By path. */
    list: (): SetAside[] =>
      [...all.values()].map(({ aside }) => aside).toSorted((one, other) => (one.path < other.path ? -1 : 1)),
    forget: (): void => all.clear(),
  };
}
