// Files of a tree that patterns mean: `*` and `?` stand for parts of one name, a folder for all that is in it.
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";

/** Regular files and links, relative, sorted, each once; no link is followed. */
export async function matchFiles(
  root: string,
  patterns: readonly string[],
): Promise<{ files: string[]; missing: string[] }> {
  const files = new Set<string>();
  const missing: string[] = [];
  for (const pattern of patterns) {
    const found = await matchPattern(root, pattern);
    if (found.length === 0) missing.push(pattern);
    for (const path of found) files.add(path);
  }
  return { files: [...files].toSorted(), missing };
}

async function matchPattern(root: string, pattern: string): Promise<string[]> {
  let paths = [""];
  for (const step of pattern.split("/")) {
    const next = paths.map(async (path): Promise<string[]> => {
      if (!/[*?]/.test(step)) return [path === "" ? step : `${path}/${step}`];
      const regular = new RegExp(
        `^${step
          .replace(/[.+^${}()|[\]\\]/g, "\\$&")
          .replace(/\*/g, ".*")
          .replace(/\?/g, ".")}$`,
        "s",
      );
      const names = (await isFolder(join(root, path))) ? await readdir(join(root, path)) : [];
      return names
        .filter((name) => regular.test(name) && (step.startsWith(".") || !name.startsWith(".")))
        .map((name) => (path === "" ? name : `${path}/${name}`));
    });
    paths = (await Promise.all(next)).flat();
  }
  return (await Promise.all(paths.map((path) => expand(root, path)))).flat();
}

/** Nothing that is reached by a link. */
async function expand(root: string, path: string): Promise<string[]> {
  const steps = path.split("/").slice(0, -1);
  for (let depth = 1; depth <= steps.length; depth++)
    if (!(await isFolder(join(root, ...steps.slice(0, depth))))) return [];
  const found = await lstat(join(root, path)).catch(() => undefined);
  if (found?.isFile() || found?.isSymbolicLink()) return [path];
  if (!found?.isDirectory()) return [];
  const names = await readdir(join(root, path));
  return (await Promise.all(names.map((name) => expand(root, `${path}/${name}`)))).flat();
}

async function isFolder(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined))?.isDirectory() === true;
}
