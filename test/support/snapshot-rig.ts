// A workspace and the local half of its saving, with real git in scratch folders.
import { spawnSync } from "node:child_process";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createGit } from "../../src/agent/save/git.ts";
import { createSnapshots, type SnapshotOptions } from "../../src/agent/save/commit/snapshots.ts";
import type { TakeOptions } from "../../src/agent/save/commit/taken.ts";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import type { SaveRule } from "../../src/model/launch.ts";

export type SnapshotRig = ReturnType<typeof createSnapshotRig>;

export const plainRule: SaveRule = {
  repo: "",
  branch: null,
  include: [],
  exclude: [],
  maxFileBytes: 100 * 1024 * 1024,
  everyMs: 10_000,
  lfs: false,
  author: { name: "Ada", email: "ada@example.org" },
};

/** @param home where saves are kept; a folder beside the workspace unless said */
export function createSnapshotRig(options: Partial<SnapshotOptions> = {}, home?: string) {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "sesta-snapshots-")));
  const workspace = join(root, "workspace");
  mkdirSync(workspace);
  const folder = join(home ?? join(root, "home"), "saves", "lab");
  const git = createGit(join(folder, "git"), process.env);
  let rule = plainRule;
  const open = () =>
    createSnapshots({
      git,
      folder,
      workspace,
      rule: () => rule,
      workload: "lab",
      clock: systemClock,
      log: silentLog,
      secrets: () => [],
      dirty: () => undefined,
      ...options,
    });
  let snapshots = open();
  const plain: TakeOptions = { full: true, acceptDeletions: false };

  return {
    root,
    workspace,
    folder,
    git,
    snapshots: () => snapshots,
    setRule: (changed: Partial<SaveRule>) => void (rule = { ...rule, ...changed }),
    write(files: Readonly<Record<string, string | Uint8Array>>): void {
      for (const [path, content] of Object.entries(files)) {
        mkdirSync(dirname(join(workspace, path)), { recursive: true });
        writeFileSync(join(workspace, path), content);
      }
    },
    remove: (...paths: string[]) =>
      paths.forEach((path) => rmSync(join(workspace, path), { recursive: true })),
    take: (take: Partial<TakeOptions> = {}) => snapshots.take({ ...plain, ...take }),
    /** As after the end of the process. */
    async reopen(): Promise<void> {
      snapshots.close();
      snapshots = open();
      await snapshots.open();
    },
    /** Path and content of each file in a commit; links as "-> TARGET", programs as "#! CONTENT". */
    saved: (commit = "refs/sesta/work") => readCommit(git.folder, commit),
    /** The same of the workspace, without any `.git`. */
    there: () => readFolder(workspace),
    end(): void {
      snapshots.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** Git as a user runs it, away from the configuration of this machine. @returns stdout */
export function userGit(folder: string, ...operands: string[]): string {
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: folder,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_AUTHOR_NAME: "User",
    GIT_AUTHOR_EMAIL: "user@example.org",
    GIT_COMMITTER_NAME: "User",
    GIT_COMMITTER_EMAIL: "user@example.org",
  };
  const { stdout, stderr, status } = spawnSync(
    "git",
    ["-c", "init.defaultBranch=main", "-c", "protocol.file.allow=always", ...operands],
    { cwd: folder, env, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 },
  );
  if (status !== 0) throw new Error(`git ${operands.join(" ")}: ${stderr}`);
  return stdout;
}

function readCommit(gitDir: string, commit: string): Record<string, string> {
  const run = (...operands: string[]) =>
    spawnSync("git", [`--git-dir=${gitDir}`, ...operands], { maxBuffer: 256 * 1024 * 1024 }).stdout;
  const files: Record<string, string> = {};
  for (const line of run("ls-tree", "-r", "-z", "--full-tree", commit).toString().split("\0")) {
    const [, mode, oid = "", path] = /^(\d+) \w+ ([0-9a-f]+)\t(.*)$/s.exec(line) ?? [];
    if (path === undefined) continue;
    const content = run("cat-file", "blob", oid).toString("latin1");
    files[path] = mode === "120000" ? `-> ${content}` : mode === "100755" ? `#! ${content}` : content;
  }
  return files;
}

function readFolder(workspace: string, below = ""): Record<string, string> {
  const files: Record<string, string> = {};
  for (const name of readdirSync(join(workspace, below)).toSorted()) {
    if (name === ".git") continue;
    const path = below === "" ? name : `${below}/${name}`;
    const stats = lstatSync(join(workspace, path));
    if (stats.isDirectory()) Object.assign(files, readFolder(workspace, path));
    else if (stats.isSymbolicLink()) files[path] = `-> ${readlinkSync(join(workspace, path), "latin1")}`;
    else if (stats.isFile()) {
      const content = readFileSync(join(workspace, path)).toString("latin1");
      files[path] = (stats.mode & 0o100) === 0 ? content : `#! ${content}`;
    }
  }
  return files;
}
