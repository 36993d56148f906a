// Which files of a folder go to a machine: as git sees them where it can tell, otherwise all but what tools leave behind.
import { lstat, readdir } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import type { Machine } from "../../machine/machine.ts";

/** Never sent: Sesta's own, git's, and what tools make again by themselves. */
const leftOut = new Set([
  ".sesta",
  ".git",
  "__pycache__",
  ".venv",
  "node_modules",
  ".ipynb_checkpoints",
  ".mypy_cache",
  ".pytest_cache",
  ".DS_Store",
]);

/**
 * Regular files and links, relative, sorted.
 * @param excluded paths in the folder that stay here with all that is in them
 */
export async function listFiles(
  machine: Machine,
  folder: string,
  excluded: readonly string[],
): Promise<string[]> {
  const named = (await listByGit(machine, folder)) ?? (await walk(folder, folder));
  const kept = named.filter(
    (path) =>
      !path.split("/").some((part) => leftOut.has(part)) &&
      !excluded.some((one) => path === one || path.startsWith(`${one}/`)),
  );
  const present = await Promise.all(kept.map((path) => isSendable(join(folder, path))));
  return kept.filter((_, index) => present[index]).toSorted();
}

/** Undefined where git is missing, or knows nothing of the folder. Nothing of its configuration is run. */
async function listByGit(machine: Machine, folder: string): Promise<string[] | undefined> {
  const ran = await machine
    .run([...quietGit(folder), "ls-files", "-z", "--cached", "--others", "--exclude-standard"])
    .catch(() => undefined);
  if (ran?.exitCode !== 0) return undefined;
  return [...new Set(ran.stdout.split("\0").filter((path) => path !== ""))];
}

/** Git in somebody's repository, with what could run programs of theirs switched off (git-config(1)). */
export function quietGit(folder: string) {
  const off = [
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "safe.directory=*",
    "core.quotePath=false",
  ];
  return ["git", "-C", folder, ...off.flatMap((setting) => ["-c", setting])] as const;
}

async function isSendable(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined); // git still lists what was deleted
  return found !== undefined && (found.isFile() || found.isSymbolicLink());
}

async function walk(root: string, folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const found = await Promise.all(
    entries.map((entry): Promise<string[]> | string[] => {
      const path = join(folder, entry.name);
      if (leftOut.has(entry.name)) return [];
      return entry.isDirectory() ? walk(root, path) : [relative(root, path).split(sep).join("/")];
    }),
  );
  return found.flat();
}
