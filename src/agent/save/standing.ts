// How far the saves of a workspace are with their remote; kept beside the repository, written whole.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeAtomic } from "../../base/atomic-file.ts";

export type Standing = {
  /** The remote whose content was brought into the workspace and is built upon; null before the first contact. */
  remote: string | null;
  /** The one whose content is being brought in, so that `branch` and `beside` are its; null when none is. */
  meeting: string | null;
  /** Where saves go; null until it is known. */
  branch: string | null;
  /** The branch that moved elsewhere. */
  beside: string | null;
  /** The branch has commits of others on top of the newest save. */
  behind: boolean;
  /** Wall time at which the remote last confirmed that it holds everything. */
  savedAt: number | null;
  /** Wall time since when something waits for that. */
  owedSince: number | null;
  /** Paths that the remote refused; tried again when somebody asks for a save. */
  refused: readonly string[];
};

const nothing: Standing = {
  remote: null,
  meeting: null,
  branch: null,
  beside: null,
  behind: false,
  savedAt: null,
  owedSince: null,
  refused: [],
};

/** @param folder of the workload's saves. A file that is damaged counts as none: the remote is asked again. */
export async function loadStanding(folder: string): Promise<Standing> {
  const text = await readFile(pathIn(folder), "utf8").catch(() => "{}");
  return parse(text);
}

export async function saveStanding(folder: string, standing: Standing): Promise<void> {
  await writeAtomic(pathIn(folder), `${JSON.stringify(standing)}\n`);
}

function pathIn(folder: string): string {
  return join(folder, "standing.json");
}

function parse(text: string): Standing {
  try {
    const value: unknown = JSON.parse(text);
    return isStanding(value) ? value : nothing;
  } catch {
    return nothing;
  }
}

function isStanding(value: unknown): value is Standing {
  if (typeof value !== "object" || value === null) return false;
  const { remote, meeting, branch, beside, behind, savedAt, owedSince, refused } = value as Record<
    keyof Standing,
    unknown
  >;
  return (
    [remote, meeting, branch, beside].every((word) => word === null || typeof word === "string") &&
    [savedAt, owedSince].every((time) => time === null || typeof time === "number") &&
    typeof behind === "boolean" &&
    Array.isArray(refused) &&
    refused.every((path) => typeof path === "string")
  );
}
