// Which files of a folder go to a machine: sources as git sees them where it can tell, else all but what tools leave behind.
import { lstat, readdir } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { SestaError } from "../../base/errors.ts";
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
 * Of a folder with sources: as git sees it where it can tell, with what repositories in it see of theirs.
 * Regular files and links, relative, sorted.
 * @param excluded paths in the folder that stay here with all that is in them
 */
export async function listSources(
  machine: Machine,
  folder: string,
  excluded: readonly string[],
): Promise<string[]> {
  const named = await listByGit(machine, folder);
  if (named === undefined) return listFiles(machine, folder, excluded);
  // Git names a repository in the folder, or a submodule, and not what is in it.
  return pick(folder, named, excluded, (path) => listSources(machine, path, []));
}

/** All of a folder that was named: whether git ignores it, as it mostly does data, is another matter. As `listSources`. */
export async function listFiles(
  _machine: Machine,
  folder: string,
  excluded: readonly string[],
): Promise<string[]> {
  return pick(folder, await walk(folder, folder), excluded, () => Promise.resolve([]));
}

async function pick(
  folder: string,
  named: readonly string[],
  excluded: readonly string[],
  listInner: (folder: string) => Promise<string[]>,
): Promise<string[]> {
  const stays = (path: string) =>
    path.split("/").some((part) => leftOut.has(part)) ||
    excluded.some((one) => path === one || path.startsWith(`${one}/`));
  const found = await Promise.all(
    named.map(async (path): Promise<string[]> => {
      const name = path.replace(/\/$/, "");
      if (stays(name)) return [];
      const kind = await kindOf(join(folder, name));
      if (kind === "file") return [name];
      return kind === "folder"
        ? (await listInner(join(folder, name))).map((inner) => `${name}/${inner}`)
        : [];
    }),
  );
  return found
    .flat()
    .filter((path) => !stays(path))
    .toSorted();
}

/** Undefined where git is missing, or knows nothing of the folder or ignores it. Nothing of its configuration is run. */
async function listByGit(machine: Machine, folder: string): Promise<string[] | undefined> {
  const ignored = machine.run([...quietGit(folder), "check-ignore", "--quiet", "."]).catch(() => undefined);
  const ran = await machine
    .run([...quietGit(folder), "ls-files", "-z", "--cached", "--others", "--exclude-standard"])
    .catch(() => undefined);
  if (ran?.exitCode !== 0 || (await ignored)?.exitCode === 0) return undefined;
  // It calls the folder of a submodule that is not there yet "./".
  return [...new Set(ran.stdout.split("\0").filter((path) => path !== "" && path !== "./"))];
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

/** @throws SestaError TRANSFER for a name that is no text: it would stay here without a word */
async function kindOf(path: string): Promise<"file" | "folder" | "other"> {
  const found = await lstat(path).catch(() => undefined); // git still lists what was deleted
  if (found === undefined && path.includes("\u{fffd}")) {
    throw new SestaError("TRANSFER", `${path} cannot be sent: its name is not UTF-8`, {
      hint: "Rename it, or have .gitignore leave it out.",
    });
  }
  if (found?.isDirectory()) return "folder";
  return found?.isFile() || found?.isSymbolicLink() ? "file" : "other";
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
