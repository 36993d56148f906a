// Takes files out of a folder, but only those that still are as they were saved.
import { rmdir, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { systemCode } from "../../../base/errors.ts";
import type { Git } from "../git.ts";
import { openSafeFolder } from "./safe-folder.ts";
import { isAsSaved, type TreeFile } from "./saved-file.ts";
import { inFolders, sortTargets } from "./tree-targets.ts";

/**
 * Folders that become empty go too. `kept`: what has changed since, or stands behind a link.
 * @param files as they were saved
 * @param pointers as in `isAsSaved`
 */
export async function removeFiles(
  git: Git,
  files: ReadonlyMap<string, TreeFile>,
  folder: string,
  pointers: boolean,
): Promise<{ removed: string[]; kept: string[] }> {
  const removed: string[] = [];
  const kept: string[] = [];
  const targets = sortTargets([...files].map(([path, file]) => ({ from: path, path, file })));
  await inFolders(folder, targets, false, async ({ path, name, file }, place) => {
    const same = place !== undefined && (await isAsSaved(git, place.at(name), file, pointers));
    if (same) await unlink(place.at(name));
    (same ? removed : kept).push(path);
  });
  const parents = new Set(removed.flatMap(listParents));
  for (const parent of [...parents].toSorted((one, other) => other.length - one.length))
    await prune(folder, parent);
  return { removed, kept };
}

function listParents(path: string): string[] {
  const parent = dirname(path);
  return parent === "." ? [] : [parent, ...listParents(parent)];
}

async function prune(root: string, path: string): Promise<void> {
  const parent = dirname(path);
  const place = await openSafeFolder(root, parent === "." ? "" : parent, false);
  if (!place) return;
  try {
    await rmdir(place.at(path.slice(path.lastIndexOf("/") + 1)));
  } catch (error) {
    if (!["ENOTEMPTY", "EEXIST", "ENOENT", "ENOTDIR", "EACCES", "EPERM"].includes(systemCode(error) ?? ""))
      throw error;
  } finally {
    await place.close();
  }
}
