// Compares two states of a workspace with the one that both come from, and says how to bring them together.
import type { Comparison } from "../../../model/agent-protocol.ts";
import type { Git } from "../git.ts";
import type { TreeFile } from "./saved-file.ts";

export type Files = ReadonlyMap<string, TreeFile>;

export type Together = Pick<Comparison, "ours" | "theirs" | "both"> & {
  /** To be written over what is ours there. */
  write: Map<string, TreeFile>;
  /** To be written under another name, which is free; by path in theirs. */
  beside: Map<string, { as: string; file: TreeFile }>;
  /** To be removed, before anything is written, with what they are now. */
  remove: Map<string, TreeFile>;
};

/**
 * Pure. What only one side changed is taken from it; what both changed alike is no difference; where both changed a
 * file, ours stays and theirs comes beside it. A change wins over a deletion.
 * @param branch whose files `theirs` are; it is in the new names
 * @param taken whether a name is in use by something that is not saved
 */
export function compareTrees(
  base: Files,
  ours: Files,
  theirs: Files,
  branch: string,
  taken: (path: string) => boolean = () => false,
): Together {
  const result: Together = {
    ours: [],
    theirs: [],
    both: [],
    write: new Map(),
    beside: new Map(),
    remove: new Map(),
  };
  const changed: Record<"ours" | "theirs", string[]> = { ours: [], theirs: [] };
  const conflicts: string[] = [];
  for (const path of [...new Set([...base.keys(), ...ours.keys(), ...theirs.keys()])].toSorted()) {
    const was = base.get(path);
    const our = ours.get(path);
    const their = theirs.get(path);
    if (isSame(our, their)) continue;
    if (isSame(their, was) || (!their && our)) {
      const gone = our !== undefined && isSame(our, was); // they deleted what we left alone
      if (gone) result.remove.set(path, our);
      changed[gone ? "theirs" : "ours"].push(path);
    } else if (isSame(our, was) || !our) {
      changed.theirs.push(path);
      if (their) result.write.set(path, their);
    } else conflicts.push(path);
  }
  const room = createRoom(ours, result.remove);
  for (const [path] of result.write) {
    if (ours.has(path) || room.isFree(path)) continue;
    result.write.delete(path); // a folder of ours stands where their file belongs, or a file where their folder does
    changed.theirs.splice(changed.theirs.indexOf(path), 1);
    conflicts.push(path);
  }
  for (const path of result.write.keys()) room.take(path);
  const known = new Set([...base.keys(), ...ours.keys(), ...theirs.keys()]);
  const isFree = (path: string) => !known.has(path) && !taken(path) && room.isFree(path);
  const moved = new Map<string, string>();
  for (const path of conflicts.toSorted()) {
    const file = theirs.get(path);
    if (!file) continue;
    const inTheWay = room.findFileAbove(path) ?? path;
    const as = moved.get(inTheWay) ?? nameBeside(inTheWay, branch, isFree);
    moved.set(inTheWay, as);
    const theirsAs = as + path.slice(inTheWay.length);
    room.take(theirsAs);
    result.beside.set(path, { as: theirsAs, file });
  }
  const both = [...result.beside].map(([path, { as: theirsAs }]) => ({ path, theirsAs }));
  return { ...result, ours: changed.ours, theirs: changed.theirs, both };
}

/** The commit that both come from; undefined when they have nothing in common. */
export async function findBase(git: Git, one: string, other: string): Promise<string | undefined> {
  const { exitCode, stdout } = await git.run(["merge-base", one, other]);
  return exitCode === 0 ? stdout.trim() : undefined;
}

function isSame(one: TreeFile | undefined, other: TreeFile | undefined): boolean {
  return one?.oid === other?.oid && one?.mode === other?.mode;
}

/** Which names a folder has room for while these files are in it: none below a file, none of a folder. */
function createRoom(files: Files, without: Files) {
  const names = new Set<string>();
  const folders = new Set<string>();
  const take = (path: string) => {
    names.add(path);
    for (const above of listAbove(path)) folders.add(above);
  };
  for (const path of files.keys()) if (!without.has(path)) take(path);
  const findFileAbove = (path: string) => listAbove(path).find((above) => names.has(above));
  return {
    take,
    findFileAbove,
    isFree: (path: string) => !names.has(path) && !folders.has(path) && findFileAbove(path) === undefined,
  };
}

/** "a/b/c" has "a" and "a/b" above it. */
function listAbove(path: string): string[] {
  const parts = path.split("/");
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join("/"));
}

/** `notebook.BRANCH.ipynb`, or `notebook.BRANCH-2.ipynb` where that is in use. */
function nameBeside(path: string, branch: string, isFree: (path: string) => boolean): string {
  const start = path.lastIndexOf("/") + 1;
  const dot = path.lastIndexOf(".");
  const end = dot > start ? dot : path.length;
  const plain = branch.replaceAll(/[^A-Za-z0-9._-]+/g, "-");
  for (let count = 1; ; count += 1) {
    const name = `${path.slice(0, end)}.${plain}${count === 1 ? "" : `-${count}`}${path.slice(end)}`;
    if (isFree(name)) return name;
  }
}
