// Fills a workspace that came back empty from its last save.
import { readdir } from "node:fs/promises";
import type { Saving } from "./saving.ts";
import { listTree, writeTree } from "./files/write-tree.ts";

/** Only a folder with nothing in it: whoever deleted everything on purpose has confirmed it, so nothing is saved. */
export async function refill(saving: Saving, signal: AbortSignal): Promise<void> {
  const { workspace, snapshots, git, log, workload, rule, remote } = saving;
  const head = await snapshots.head();
  if (head === undefined || snapshots.files().size === 0 || !(await isEmptyFolder(workspace))) return;
  const lfs = rule().lfs ? remote.lfs : undefined;
  const { written } = await writeTree(git, await listTree(git, head), workspace, {
    overwrite: false,
    lfs,
    signal,
  });
  log.info("workspace restored", { workload, files: written.length });
}

export async function isEmptyFolder(path: string): Promise<boolean> {
  return readdir(path).then(
    (names) => names.length === 0,
    () => false,
  );
}
