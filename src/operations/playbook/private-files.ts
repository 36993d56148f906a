// What lies beside a playbook and is nobody else's: keys get the mode that ssh asks for, and git is kept from taking them.
import { appendFile, chmod, readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { findDiskError } from "../../base/disk-error.ts";
import { buildGitEnv } from "../../commands/git.ts";
import type { PlaybookPlace, PlaybookWatch } from "./place.ts";

/** ssh uses no key that others can read (ssh(1), FILES). @returns whether it is there */
export async function mendKey(path: string, { onNotice }: PlaybookWatch): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) return false;
  if ((found.mode & 0o077) === 0) return true;
  try {
    await chmod(path, 0o600);
  } catch (error) {
    throw findDiskError(error, path) ?? error;
  }
  onNotice(`${basename(path)} could be read by others: its mode is 0600 now`);
  return true;
}

/**
 * Adds what is not ignored yet to the `.gitignore` beside it, where people look for it. A file that git has already, as
 * a template with blanks, stays as it was committed: git is told to overlook what is changed in it.
 * @param paths in one folder
 */
export async function keepOutOfGit(
  place: PlaybookPlace,
  paths: readonly string[],
  { onNotice }: PlaybookWatch,
): Promise<void> {
  const [first] = paths;
  if (first === undefined || (await git(place, dirname(first), "rev-parse", "--git-dir")) !== 0) return;
  const folder = dirname(first);
  const unknown: string[] = [];
  for (const name of paths.map((path) => basename(path))) {
    const isTracked = (await git(place, folder, "ls-files", "--error-unmatch", "--", name)) === 0;
    if (isTracked) await overlook(place, folder, name, onNotice);
    else if ((await git(place, folder, "check-ignore", "--quiet", "--", name)) === 1) unknown.push(name);
  }
  if (unknown.length === 0) return;
  await addIgnored(join(folder, ".gitignore"), unknown);
  onNotice(`${unknown.join(" and ")} went into .gitignore, to stay out of commits`);
}

async function overlook(
  place: PlaybookPlace,
  folder: string,
  name: string,
  onNotice: (text: string) => void,
) {
  const flag = await place.machine
    .run(["git", "-C", folder, "ls-files", "-v", "--", name], {
      env: buildGitEnv(place.env),
      signal: place.signal,
    })
    .catch(() => undefined);
  if (flag?.stdout.startsWith("S")) return;
  if ((await git(place, folder, "update-index", "--skip-worktree", "--", name)) !== 0) return;
  onNotice(
    `${name} is in git already; what you change in it is kept out of commits now (undo: git update-index --no-skip-worktree ${name})`,
  );
}

async function addIgnored(path: string, names: readonly string[]): Promise<void> {
  try {
    const before = await readFile(path, "utf8").catch(() => "");
    const gap = before === "" || before.endsWith("\n") ? "" : "\n";
    await appendFile(path, `${gap}${names.map((name) => `/${name}\n`).join("")}`);
  } catch (error) {
    throw findDiskError(error, path) ?? error;
  }
}

/** Its exit code; 128 where there is no git. */
async function git(
  { machine, env, signal }: PlaybookPlace,
  folder: string,
  ...operands: string[]
): Promise<number> {
  const ran = await machine
    .run(["git", "-C", folder, ...operands], { env: buildGitEnv(env), signal })
    .catch(() => undefined);
  return ran?.exitCode ?? 128;
}
