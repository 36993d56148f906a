// Brings the newest save to the remote: never by force, beside a branch that moved, without what it refuses.
import { confirmedRef } from "../../commands/git.ts";
import type { SaveProblem } from "../../model/save.ts";
import { findBase } from "./files/compare.ts";
import { findDifferent } from "./files/find-different.ts";
import type { Git } from "./git.ts";
import type { PushOutcome } from "./remote/remote.ts";
import { saveWithout } from "./commit/save-without.ts";
import type { Saving } from "./saving.ts";
import { listTree, writeTree } from "./files/write-tree.ts";

export type Failure = Pick<SaveProblem, "kind" | "message"> & { hint?: string };

/** Of a push, a new save, a refusal, a new branch: more of them in one go mean that something is not understood. */
const mostTries = 6;

/**
 * Undefined when the remote holds the newest save. What this finds out about the remote is kept in the standing.
 * @param check asks the remote even where nothing is owed
 * @throws RemoteError, and SestaError for what git itself could not do
 */
export async function deliver(
  saving: Saving,
  check: boolean,
  signal: AbortSignal,
): Promise<Failure | undefined> {
  await meetRemote(saving, signal);
  for (let tries = 0; tries < mostTries; tries += 1) {
    const head = await saving.snapshots.head();
    if (head === undefined) {
      if (check) await saving.remote.look(signal);
      return settle(saving, undefined);
    }
    const confirmed = await findConfirmed(saving);
    if (head === confirmed && !(check && tries === 0)) return settle(saving, head);
    const branch = saving.standing().branch ?? "main";
    const outcome = await saving.remote.push(head, branch, signal);
    const failure = await weigh(saving, outcome, head, branch, signal);
    if (failure) return failure;
  }
  return { kind: "git", message: "the repository takes the saves and then does not have them" };
}

/** Whether the newest save is one that the remote of the rule has not confirmed. */
export async function isOwed(saving: Saving): Promise<boolean> {
  const head = await saving.snapshots.head();
  if (head === undefined) return false;
  return saving.standing().remote !== nameRemote(saving) || head !== (await findConfirmed(saving));
}

/**
 * Before the first save to a remote: what it holds already comes into the workspace, where it is missing there, and
 * the next save stands on it. What is in the workspace already stays. A branch that has a part of our saves is one that
 * was met before: others may have gone on from there, and what they did is not undone.
 * @throws RemoteError
 */
export async function meetRemote(saving: Saving, signal: AbortSignal): Promise<void> {
  const { snapshots, remote, git, here, stand, standing } = saving;
  const met = nameRemote(saving);
  if (standing().remote === met) return;
  const { branch, tip } = await remote.look(signal);
  if (tip === null) await git.run(["update-ref", "-d", confirmedRef]);
  else {
    const commit = await remote.fetch(branch, signal);
    await here.run(async () => {
      const head = await snapshots.head();
      const base = head && (await findBase(git, head, commit));
      if (!base) return bringIn(saving, { met, branch, commit }, signal);
      await git.get(["update-ref", confirmedRef, base]);
      if (base === head) await stand({ behind: commit !== head });
    });
  }
  const places = standing().meeting === met ? {} : { branch, beside: null };
  await stand({ remote: met, meeting: null, refused: [], ...places });
}

// A file that both have with different content would undo what others did: who knows which of them is older? Then the
// saves go beside, which is written down before anything could be pushed.
async function bringIn(
  saving: Saving,
  { met, branch, commit }: { met: string; branch: string; commit: string },
  signal: AbortSignal,
): Promise<void> {
  const { snapshots, remote, git, workspace, take, rule, stand, workload, clock } = saving;
  const lfs = rule().lfs ? remote.lfs : undefined;
  const tree = await listTree(git, commit);
  await writeTree(git, tree, workspace, { overwrite: false, lfs, signal });
  if ((await findDifferent(git, tree, workspace, rule().lfs)).length > 0) {
    const own = await remote.nameBeside(workload, clock.now(), signal);
    await stand({ meeting: met, branch: own, beside: branch });
  }
  await snapshots.adopt(commit);
  await git.get(["update-ref", confirmedRef, commit]);
  await take({ full: true, acceptDeletions: false });
}

function nameRemote({ rule }: Saving): string {
  return `${rule().repo} ${rule().branch ?? ""}`;
}

async function weigh(
  saving: Saving,
  outcome: PushOutcome,
  head: string,
  branch: string,
  signal: AbortSignal,
): Promise<Failure | undefined> {
  if (outcome.kind === "confirmed") {
    if (saving.standing().behind) await saving.stand({ behind: false });
    return undefined;
  }
  if (outcome.kind === "moved") return goBeside(saving, head, branch, signal);
  if (outcome.kind !== "refused") return outcome;
  const { kind, message, hint } = outcome;
  return (await leaveOut(saving, outcome.files)) ? undefined : { kind, message, hint };
}

// The branch has commits that the saves do not stand on. Both tips stay reachable.
async function goBeside(
  { remote, git, standing, stand, workload, clock }: Saving,
  head: string,
  branch: string,
  signal: AbortSignal,
): Promise<undefined> {
  const tip = await remote.fetch(branch, signal);
  if (!(await isUnsaved(git, head, tip))) {
    await git.get(["update-ref", confirmedRef, head]); // others went on from the very save
    await stand({ behind: true });
    return;
  }
  const before = standing().branch;
  const name = await remote.nameBeside(workload, clock.now(), signal);
  // Somebody may have brought them together meanwhile.
  await stand((now) =>
    now.branch === before ? { branch: name, beside: now.beside ?? branch, behind: false } : {},
  );
}

// A save that the remote refuses for some of its files is made again without them, on what the remote has.
async function leaveOut(saving: Saving, files: readonly string[]): Promise<boolean> {
  const { snapshots, standing, stand, here, take, git, rule, clock } = saving;
  const known = standing().refused;
  const fresh = files.filter((file) => !known.includes(file)); // also one that only an older save holds
  if (fresh.length === 0) return false;
  await stand({ refused: [...known, ...fresh] });
  const onto = (await findConfirmed(saving)) ?? null;
  await here.run(async () => {
    const head = await snapshots.head();
    const { author } = rule();
    if (head) await snapshots.adopt(await saveWithout(git, { head, onto, files, author, at: clock.now() }));
    await take({ full: true, acceptDeletions: false });
  });
  return true;
}

// No save is made between the look and the word.
async function settle(
  { standing, stand, clock, snapshots, here }: Saving,
  head: string | undefined,
): Promise<undefined> {
  await here.run(async () => {
    const now = (await snapshots.head()) === head;
    if (head !== undefined) await stand({ savedAt: clock.now(), ...(now && { owedSince: null }) });
    else if (now && standing().owedSince !== null) await stand({ owedSince: null });
  });
}

/** Whether a commit is not part of what another one stands on. */
export async function isUnsaved(git: Git, commit: string, tip: string): Promise<boolean> {
  return (await git.run(["merge-base", "--is-ancestor", commit, tip])).exitCode !== 0;
}

async function findConfirmed({ git }: Saving): Promise<string | undefined> {
  const { exitCode, stdout } = await git.run(["rev-parse", "--verify", "--quiet", confirmedRef]);
  return exitCode === 0 ? stdout.trim() : undefined;
}
