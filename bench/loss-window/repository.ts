// The workspace as a repository of its own, as gitwatch and the original's cron want it: everything committed and pushed.
import { existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { git } from "./remote.ts";
import type { Place } from "./subject.ts";
import { copyTree } from "./tree.ts";

/** @returns the workspace; its remotes are named `path` and `daemon` */
export function makeRepository({ cache, folder, remotes }: Place, name: string): string {
  const packed = makePacked(cache);
  const workspace = join(folder, name);
  const own = join(workspace, ".git");
  const remote = remotes.path(name);
  rmSync(remote, { recursive: true });
  git(folder, "clone", "--quiet", "--bare", packed, remote); // objects are links: done at once
  copyTree(cache, workspace);
  git(folder, "clone", "--quiet", "--bare", packed, own);
  git(own, "config", "core.bare", "false");
  git(workspace, "remote", "remove", "origin");
  git(workspace, "remote", "add", "path", remote);
  git(workspace, "remote", "add", "daemon", remotes.daemon(name));
  git(workspace, "reset", "--quiet");
  return workspace;
}

/** The tree as one commit in one pack, as a clone of it would be; made once below `cache`. */
function makePacked(cache: string): string {
  const packed = join(cache, "packed-workspace.git");
  if (existsSync(packed)) return packed;
  const making = join(cache, `packing-${process.pid}`);
  copyTree(cache, making);
  git(making, "init", "--quiet", "--initial-branch=main");
  git(making, "add", "--all");
  git(making, "commit", "--quiet", "--message=first");
  git(making, "-c", "pack.window=0", "repack", "-a", "-d", "--quiet");
  renameSync(join(making, ".git"), packed);
  rmSync(making, { recursive: true });
  git(packed, "config", "core.bare", "true");
  return packed;
}
