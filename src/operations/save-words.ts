// What is known of a workload's saves, in the words of the command line's JSON, and what they owe in a sentence.
import type { HeldDeletions, SaveReport } from "../model/save.ts";
import type { SaveStatus } from "../model/status.ts";

export function buildSaveStatus(save: SaveReport): SaveStatus {
  const { branch, beside, behind, owedSince, setAside, held } = save;
  return {
    branch,
    beside,
    behind,
    owed_since: isoOf(owedSince),
    problem: describeProblem(save),
    set_aside: setAside.map(({ path, why }) => ({ path, why })),
    held_deletions: held?.gone ?? null,
  };
}

/**
 * Why not everything is at the repository; undefined when it is. Files that were set aside count too; those that are
 * gone do not, as they stay saved.
 */
export function describeDebt(save: SaveReport): string | undefined {
  const owed = describeOwed(save);
  if (owed !== undefined) return owed;
  if (save.savedAt === null) return "nothing was saved yet";
  return save.setAside.length > 0 ? `${countFiles(save.setAside.length)} not saved` : undefined;
}

/** What stands between the last save and the repository; undefined when nothing waits. */
export function describeOwed(save: SaveReport): string | undefined {
  const problem = describeProblem(save);
  if (problem !== null) return problem;
  return save.owedSince === null
    ? undefined
    : `the repository has not confirmed the last save, since ${isoOf(save.owedSince)}`;
}

/** Files that vanished at once, in a sentence. */
export function describeHeld({ gone, of }: Pick<HeldDeletions, "gone" | "of">): string {
  const [are, stay] = gone === 1 ? ["is", "it stays"] : ["are", "they stay"];
  return `${gone} of ${of} files ${are} gone at once; ${stay} saved until you confirm`;
}

/** What can be done about them. */
export function adviseHeld(name: string): string {
  return `\`sesta save ${name} -y\` records them as deleted, \`sesta restore ${name}\` brings them back`;
}

/** A token that nobody gave is one only once something waits for it. */
function describeProblem({ problem, needsToken, owedSince }: SaveReport): string | null {
  if (problem) return problem.message;
  return needsToken && owedSince !== null ? "its token is not known since the agent was started" : null;
}

/** "1 file is", "3 files are". */
export function countFiles(count: number): string {
  return count === 1 ? "1 file is" : `${count} files are`;
}

export function isoOf(at: number | null | undefined): string | null {
  return at === null || at === undefined ? null : new Date(at).toISOString();
}
