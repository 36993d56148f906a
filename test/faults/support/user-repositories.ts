// Repositories of the user's own inside a workspace, each in another state, and whether anybody touched them.
import { createHash } from "node:crypto";
import { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { userGit } from "../../support/snapshot-rig.ts";

/** Folders of `workspace`, each a repository; the workspace itself becomes one too. */
export const repositoryNames = [
  "merge",
  "rebase",
  "locked",
  "detached",
  "unborn",
  "outer",
  "outer/sub",
] as const;

/** @param elsewhere a folder outside the workspace for what the submodule comes from */
export function makeUserRepositories(workspace: string, elsewhere: string): void {
  userGit(workspace, "init", "-q");
  userGit(workspace, "commit", "-qm", "mine", "--allow-empty");
  for (const name of ["merge", "rebase", "locked", "detached"]) makeTwoSides(join(workspace, name));
  expectConflict(join(workspace, "merge"), "merge", "side");
  expectConflict(join(workspace, "rebase"), "rebase", "side");
  writeFileSync(join(workspace, "locked", ".git", "index.lock"), "");
  userGit(join(workspace, "detached"), "checkout", "-q", "--detach", "HEAD~1");
  makeStaged(join(workspace, "unborn"));
  makeStaged(elsewhere);
  userGit(elsewhere, "commit", "-qm", "one");
  makeTwoSides(join(workspace, "outer"));
  userGit(join(workspace, "outer"), "submodule", "add", "-q", elsewhere, "sub");
}

/** Every `.git` below a folder: content, inode, mode and times of each entry, by path. */
export function lookAtGit(folder: string): Record<string, string> {
  const entries: Record<string, string> = {};
  for (const path of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    if (!path.split("/").includes(".git")) continue;
    const { ino, mode, mtimeNs, ctimeNs } = lstatSync(join(folder, path), { bigint: true });
    const isFile = lstatSync(join(folder, path)).isFile();
    const content = isFile
      ? createHash("sha256")
          .update(readFileSync(join(folder, path)))
          .digest("hex")
      : "";
    entries[path] = [ino, mode, mtimeNs, ctimeNs, content].join(" ");
  }
  return entries;
}

function makeTwoSides(folder: string): void {
  makeStaged(folder);
  userGit(folder, "commit", "-qm", "base");
  userGit(folder, "checkout", "-qb", "side");
  writeFileSync(join(folder, "code.py"), "side\n");
  userGit(folder, "commit", "-qam", "side");
  userGit(folder, "checkout", "-q", "main");
  writeFileSync(join(folder, "code.py"), "main\n");
  userGit(folder, "commit", "-qam", "main");
}

function makeStaged(folder: string): void {
  mkdirSync(folder, { recursive: true });
  userGit(folder, "init", "-q");
  writeFileSync(join(folder, "code.py"), "base\n");
  userGit(folder, "add", ".");
}

function expectConflict(folder: string, ...operands: string[]): void {
  try {
    userGit(folder, ...operands);
  } catch {
    return;
  }
  throw new Error(`git ${operands.join(" ")} met no conflict`);
}
