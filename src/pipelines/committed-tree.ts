// The committed tree of a project's folder: which it is, what it says, and clean copies of it.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { SestaError } from "../base/errors.ts";
import type { Argv, Machine } from "../machine/machine.ts";

export type CommittedTree = {
  commit: string;
  /** Git's own digest of all that is in the folder at that commit. */
  tree: string;
  /** There are changes that the commit does not have. */
  dirty: boolean;
  /** The repository, absolute. */
  gitFolder: string;
};

/** @throws SestaError NO_COMMIT where the folder is in no repository, or nothing in it is committed */
export async function findCommittedTree(machine: Machine, folder: string): Promise<CommittedTree> {
  const [parsed, status] = await Promise.all([
    machine.run(git(["-C", folder, "rev-parse", "--absolute-git-dir", "HEAD", "HEAD:./"])),
    machine.run(git(["-C", folder, "status", "--porcelain", "--", "."])),
  ]).catch((cause: unknown) => {
    throw new SestaError("COMMAND_MISSING", "Pipelines need git, which was not found", {
      hint: "Install git.",
      cause,
    });
  });
  const [gitFolder, commit, tree] = parsed.stdout.split("\n");
  if (parsed.exitCode !== 0 || gitFolder === undefined || commit === undefined || tree === undefined) {
    throw new SestaError("NO_COMMIT", "A pipeline runs what is committed, and nothing is committed here", {
      where: folder,
      problems: parsed.stderr
        .split("\n")
        .filter((line) => line.startsWith("fatal:"))
        .slice(0, 1),
      hint: "git init && git add -A && git commit -m begin",
    });
  }
  return { gitFolder, commit, tree, dirty: status.stdout.trim() !== "" };
}

/** The text of a file in the tree; undefined where it has none. */
export async function findCommittedFile(
  machine: Machine,
  { gitFolder, tree }: CommittedTree,
  path: string,
): Promise<string | undefined> {
  const ran = await machine.run(git(["--git-dir", gitFolder, "cat-file", "blob", `${tree}:${path}`]));
  return ran.exitCode === 0 ? ran.stdout : undefined;
}

/** All paths in the tree. */
export async function listCommitted(
  machine: Machine,
  { gitFolder, tree }: CommittedTree,
): Promise<Set<string>> {
  const ran = await machine.run(git(["--git-dir", gitFolder, "ls-tree", "-r", "-z", "--name-only", tree]));
  return new Set(ran.stdout.split("\0"));
}

/** Makes ready what copies are made from: one index that all of them share. */
export async function indexTree(
  machine: Machine,
  { gitFolder, tree }: CommittedTree,
  index: string,
): Promise<void> {
  await must(machine, git(["--git-dir", gitFolder, "read-tree", tree]), { GIT_INDEX_FILE: index });
}

/** A clean copy in a folder that is made. Submodules are empty folders in it. */
export async function copyTree(
  machine: Machine,
  { gitFolder }: CommittedTree,
  index: string,
  to: string,
): Promise<void> {
  await mkdir(to, { recursive: true, mode: 0o700 });
  const argv = git(["--git-dir", gitFolder, "--work-tree", to, "checkout-index", "--all", "--quiet"]);
  await must(machine, argv, { GIT_INDEX_FILE: index }, to);
}

export function indexFile(work: string): string {
  return join(work, "index");
}

async function must(
  machine: Machine,
  argv: Argv,
  env: Readonly<Record<string, string>>,
  cwd?: string,
): Promise<void> {
  const ran = await machine.run(argv, { env, ...(cwd === undefined ? {} : { cwd }) });
  if (ran.exitCode === 0) return;
  throw new SestaError("COMMAND_FAILED", "git could not lay out the committed tree", {
    problems: ran.stderr.split("\n").slice(-5),
    hint: "Run `git fsck`, and check the space on the disk.",
  });
}

/** Git with what could run programs of a repository switched off (git-config(1)). */
function git(operands: readonly string[]): Argv {
  const off = [
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.quotePath=false",
    "safe.directory=*",
  ];
  return ["git", ...off.flatMap((setting) => ["-c", setting]), ...operands];
}
