// What is known of a workload's saves, in the words of the command line's JSON, and what they owe in a sentence.
import type { SaveReport } from "../model/save.ts";
import type { SaveStatus } from "../model/status.ts";

export function buildSaveStatus(save: SaveReport): SaveStatus {
  const { branch, beside, owedSince, setAside, held } = save;
  return {
    branch,
    beside,
    owed_since: isoOf(owedSince),
    problem: describeProblem(save),
    set_aside: setAside.map(({ path, why }) => ({ path, why })),
    held_deletions: held?.gone ?? null,
  };
}

/** Why not everything is at the remote; undefined when it is. Files that were set aside count too. */
export function describeDebt(save: SaveReport): string | undefined {
  const { savedAt, owedSince, held, setAside } = save;
  const problem = describeProblem(save);
  if (problem !== null) return problem;
  if (owedSince !== null) return `something waits for the remote's word since ${isoOf(owedSince)}`;
  if (savedAt === null) return "nothing was saved yet";
  if (held) return `${countFiles(held.gone)} gone, which is not recorded yet`;
  return setAside.length > 0 ? `${countFiles(setAside.length)} not saved` : undefined;
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
