// What pages are told of a workload's saves: the agent's report, with every list and string cut to a bounded length.
import { redact } from "../base/redact.ts";
import type { SaveReport } from "../model/save.ts";
import type { SavedView } from "../model/view.ts";

const mostFiles = 20;
const longestPath = 300;
const longestText = 600;

export function buildSavedView(save: SaveReport | null): SavedView | null {
  if (save === null) return null;
  const { savedAt, owedSince, branch, beside, problem, setAside, held } = save;
  return {
    savedAt,
    owedSince,
    problem: problem && {
      kind: problem.kind,
      message: text(problem.message),
      since: problem.since,
      ...(problem.hint !== undefined && { hint: text(problem.hint) }),
    },
    branch,
    beside,
    setAside: {
      count: setAside.length,
      files: setAside.slice(0, mostFiles).map(({ path, why }) => ({ path: shortPath(path), why: text(why) })),
    },
    heldDeletions: held && { ...held, why: text(held.why) },
  };
}

/** A remote may say anything, also what it was told. */
function text(said: string): string {
  return redact(said).slice(0, longestText);
}

/** The end of a path names the file. */
function shortPath(path: string): string {
  const shown = redact(path);
  return shown.length <= longestPath ? shown : `…${shown.slice(-longestPath)}`;
}
