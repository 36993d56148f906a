// Writes a saved state back: into a folder of its own, or over the workspace after that has been saved.
import { mkdir, readdir } from "node:fs/promises";
import { SestaError, systemCode } from "../../base/errors.ts";
import type { Restored, RestoreRequest } from "../../model/agent-protocol.ts";
import { findDifferent } from "./files/find-different.ts";
import { findSave } from "./remote/find-save.ts";
import type { Saver } from "./saver.ts";
import type { Saving } from "./saving.ts";
import { listTree, writeTree, type Tree, type TreeFile } from "./files/write-tree.ts";

/** @throws SestaError where there is no such save, or `to` holds something already */
export async function restore(
  saver: Pick<Saver, "open" | "saving">,
  { at, to, dryRun }: RestoreRequest,
  signal: AbortSignal,
): Promise<Restored> {
  await saver.open();
  const { saving } = saver;
  const found = await findSave(saving, at, signal);
  const tree = await listTree(saving.git, found.commit);
  const { written, kept } = await (to === null
    ? restoreOver(saving, tree, dryRun, signal)
    : restoreBeside(saving, tree, to, dryRun, signal));
  return { ...found, to: to ?? saving.workspace, written, kept };
}

type Outcome = Pick<Restored, "written" | "kept">;

async function restoreBeside(
  { git, remote, rule }: Saving,
  tree: Tree,
  to: string,
  dryRun: boolean,
  signal: AbortSignal,
): Promise<Outcome> {
  const present = await readdir(to).catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return [];
    throw new SestaError("USAGE", `${to} is not a folder`, { hint: "Name one that does not exist yet." });
  });
  if (present.length > 0)
    throw new SestaError("USAGE", `${to} is not empty`, { hint: "Name a folder that does not exist yet." });
  if (dryRun) return { written: [...tree.keys()], kept: 0 };
  await mkdir(to, { recursive: true, mode: 0o755 });
  const lfs = rule().lfs ? remote.lfs : undefined;
  return { written: (await writeTree(git, tree, to, { overwrite: false, lfs, signal })).written, kept: 0 };
}

// What is overwritten was saved a moment before, so that this can be undone in the same way.
function restoreOver(saving: Saving, tree: Tree, dryRun: boolean, signal: AbortSignal): Promise<Outcome> {
  const { here, take, snapshots, git, workspace, remote, rule } = saving;
  return here.run(async () => {
    const { setAside } = await take({ full: true, acceptDeletions: false });
    const unsaved = new Set(setAside.map(({ path }) => path));
    const saved = new Map([...tree].filter(([path]) => !unsaved.has(path)));
    // Held deletions are saved and not there.
    const kept = [...snapshots.files()].filter(([path, { held }]) => !held && !tree.has(path)).length;
    if (dryRun) return { written: await findDifferent(git, saved, workspace, rule().lfs), kept };
    const lfs = rule().lfs ? remote.lfs : undefined;
    const head = await snapshots.head();
    const overwrite = head === undefined ? new Map<string, TreeFile>() : await listTree(git, head);
    const { written } = await writeTree(git, saved, workspace, { overwrite, lfs, signal });
    await take({ full: true, acceptDeletions: false });
    return { written, kept };
  });
}
