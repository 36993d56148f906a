// Which files of a commit a folder does not have as they are in it.
import type { Git } from "../git.ts";
import { isAsSaved, type TreeFile } from "./saved-file.ts";
import { inFolders, sortTargets } from "./tree-targets.ts";

/** The paths whose file in the folder is missing or differs. @param pointers as in `isAsSaved` */
export async function findDifferent(
  git: Git,
  files: ReadonlyMap<string, TreeFile>,
  folder: string,
  pointers: boolean,
): Promise<string[]> {
  const found: string[] = [];
  const targets = sortTargets([...files].map(([path, file]) => ({ from: path, path, file })));
  await inFolders(folder, targets, false, async ({ path, name, file }, place) => {
    if (!place || !(await isAsSaved(git, place.at(name), file, pointers))) found.push(path);
  });
  return found;
}
