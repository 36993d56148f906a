// Brings saves that went beside a branch and that branch together again: shown first, then exactly that.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { SestaError } from "../../base/errors.ts";
import { confirmedRef } from "../../commands/git.ts";
import type { Comparison } from "../../model/agent-protocol.ts";
import { compareTrees, findBase, type Together } from "./files/compare.ts";
import { isUnsaved } from "./delivery.ts";
import { RemoteError } from "./remote/remote.ts";
import { removeFiles } from "./files/remove-files.ts";
import type { Saver } from "./saver.ts";
import type { Saving } from "./saving.ts";
import { listTree, writeTree, type Tree } from "./files/write-tree.ts";

type Opened = Pick<Saver, "open" | "saving" | "save">;

/** Changes nothing but what is known of the branch. @throws SestaError USAGE for one that is not there; RemoteError */
export async function compareBranch(saver: Opened, branch: string, signal: AbortSignal): Promise<Comparison> {
  await saver.open();
  const { saving } = saver;
  const tip = await fetchBranch(saving, branch, signal);
  return saving.here.run(async () => {
    await saveAll(saving);
    const { ours, theirs, both } = (await compareWith(saving, branch, tip)).together;
    return { tip, ours, theirs, both };
  });
}

/**
 * What they changed comes into the workspace, and the next save stands on both; it goes to the branch from now on.
 * @throws SestaError STALE_PLAN when the branch is no longer at `shown`; RemoteError
 */
export async function joinBranch(
  saver: Opened,
  branch: string,
  shown: string,
  signal: AbortSignal,
): Promise<void> {
  await saver.open();
  const { saving } = saver;
  const { remote, here, take, git, snapshots, workspace, stand } = saving;
  const tip = await fetchBranch(saving, branch, signal);
  if (tip !== shown)
    throw new SestaError("STALE_PLAN", `${branch} has moved since it was compared`, {
      hint: "Run it again.",
    });
  await here.run(async () => {
    await saveAll(saving);
    const head = await snapshots.head();
    const { together, ours } = await compareWith(saving, branch, tip);
    const pointers = saving.rule().lfs;
    const lfs = pointers ? remote.lfs : undefined;
    await removeFiles(git, together.remove, workspace, pointers);
    const into = await writeTree(git, together.write, workspace, { overwrite: ours, lfs, signal });
    const beside = new Map([...together.beside].map(([path, { file }]) => [path, file]));
    const as = (path: string) => together.beside.get(path)?.as ?? path;
    const besides = await writeTree(git, beside, workspace, { overwrite: false, as, lfs, signal });
    refuseKept(branch, [...into.kept, ...besides.kept]);
    await snapshots.adopt(tip);
    await git.get(["update-ref", confirmedRef, tip]);
    const merge = head !== undefined && (await isUnsaved(git, head, tip)) ? { merge: head } : {};
    await take({
      full: true,
      acceptDeletions: true,
      ...merge,
      message: `Bring ${branch} and the saves together`,
    });
  });
  await stand({ branch, beside: null, behind: false });
  await saver.save({ acceptDeletions: false, check: true }, signal);
}

async function fetchBranch(
  { remote, workload }: Saving,
  branch: string,
  signal: AbortSignal,
): Promise<string> {
  try {
    return await remote.fetch(branch, signal);
  } catch (cause) {
    if (!(cause instanceof RemoteError) || !cause.noBranch) throw cause;
    throw new SestaError("USAGE", `There is no branch "${branch}" in the repository`, {
      hint: `\`sesta why ${workload}\` says where saves go.`,
      cause,
    });
  }
}

// What comes of it is saved with all deletions: before, nothing may be missing that nobody has deleted.
async function saveAll({ take, workload }: Saving): Promise<void> {
  const { alarm, held } = await take({ full: true, acceptDeletions: false });
  if (alarm) throw new SestaError("STATE_FOLDER", alarm.message, { hint: alarm.hint });
  if (held)
    throw new SestaError("STALE_PLAN", `${held.why}, and nobody has confirmed that`, {
      hint: `\`sesta save ${workload} -y\` records them as deleted, \`sesta restore ${workload}\` brings them back.`,
    });
}

// Saved as it is now, such a file of theirs would count as deleted by us.
function refuseKept(branch: string, kept: readonly string[]): void {
  if (kept.length === 0) return;
  throw new SestaError("STALE_PLAN", `files of ${branch} could not be written into the workspace`, {
    problems: kept,
    hint: "See what stands in their way, then run it again; nothing was sent.",
  });
}

async function compareWith(
  { git, snapshots, workspace }: Saving,
  branch: string,
  tip: string,
): Promise<{ together: Together; ours: Tree }> {
  const head = await snapshots.head();
  const base = head === undefined ? undefined : await findBase(git, head, tip);
  const none: Tree = new Map();
  const [was, ours, theirs] = await Promise.all([
    base === undefined ? none : listTree(git, base),
    head === undefined ? none : listTree(git, head),
    listTree(git, tip),
  ]);
  const isTaken = (path: string) => existsSync(join(workspace, path));
  return { together: compareTrees(was, ours, theirs, branch, isTaken), ours };
}
