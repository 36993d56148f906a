// What is told about the saving of a workspace: how far the remote is, what stands in the way, what was left out.

/** Wall times are milliseconds since the epoch. */
export type SaveReport = {
  /** When the remote last confirmed that it holds everything; null: never yet. */
  savedAt: number | null;
  /** Since when something waits for the remote's word; null when nothing does. */
  owedSince: number | null;
  /** Where saves go; null until the remote's default branch is known. */
  branch: string | null;
  /** The branch that moved elsewhere, so that saves go to `branch` beside it. */
  beside: string | null;
  /** Others have added to `branch` since; their work is not in the workspace. */
  behind: boolean;
  problem: SaveProblem | null;
  setAside: readonly SetAside[];
  held: HeldDeletions | null;
  /** The token's value is not known since the agent started. */
  needsToken: boolean;
};

export type SaveProblem = {
  kind: "unreachable" | "refused" | "token" | "disk" | "workspace" | "git";
  /** One sentence; what the remote said is in it. */
  message: string;
  hint?: string;
  since: number;
  /** When it is tried again; null: not before something changes. */
  retryAt: number | null;
};

/** A file that is not saved, and why; everything else is. */
export type SetAside = {
  path: string;
  kind: "large" | "secret" | "unreadable" | "name" | "changing" | "refused";
  /** "120 MB, more than 100 MB", "AWS secret access key in line 3". */
  why: string;
};

/** Files that vanished at once and stay saved until somebody confirms. */
export type HeldDeletions = { gone: number; of: number; why: string };
