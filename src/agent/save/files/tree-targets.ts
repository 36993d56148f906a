// Places of files in a folder, gone through so that each folder is opened once.
import { dirname } from "node:path";
import { isSafePath, openSafeFolder, type SafeFolder } from "./safe-folder.ts";
import type { TreeFile } from "./saved-file.ts";

export type Target = { from: string; path: string; parent: string; name: string; file: TreeFile };

/** Those of one folder stand together; without those that must not be written. */
export function sortTargets(targets: readonly Omit<Target, "parent" | "name">[]): Target[] {
  return targets
    .filter(({ path }) => isSafePath(path))
    .map((target) => {
      const parent = dirname(target.path);
      return {
        ...target,
        parent: parent === "." ? "" : parent,
        name: target.path.slice(target.path.lastIndexOf("/") + 1),
      };
    })
    .toSorted((one, other) => compareText(one.parent, other.parent) || compareText(one.path, other.path));
}

/** Opens each folder once. @param use is given undefined where the folder is not there, or something else is */
export async function inFolders<T extends { parent: string }>(
  root: string,
  targets: readonly T[],
  make: boolean,
  use: (target: T, place: SafeFolder | undefined) => Promise<void>,
): Promise<void> {
  let place: SafeFolder | undefined;
  let parent: string | undefined;
  try {
    for (const target of targets) {
      if (target.parent !== parent) {
        await place?.close();
        place = undefined;
        parent = target.parent;
        place = await openSafeFolder(root, parent, make);
      }
      await use(target, place);
    }
  } finally {
    await place?.close();
  }
}

/** By code unit, so that the order is the same everywhere. */
function compareText(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
