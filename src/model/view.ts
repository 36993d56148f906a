// What a page shows of one workload; the gateway sends it to browsers as JSON.
import type { SaveProblem } from "./save.ts";
import type { Hold } from "./status.ts";
import type { State, WorkloadType } from "./words.ts";

/** Wall times are milliseconds since the epoch. Strings may hold anything: pages show them as text only. */
export type WorkloadView = {
  name: string;
  type: WorkloadType;
  /** How sentences name it: "Jupyter Lab". */
  title: string;
  state: State;
  since: number;
  /** One sentence: why it is in this state. */
  why: string;
  /** While waking or sleeping: what is going on now. */
  phase: string | null;
  /** 0 to 1 while waking, null where unknown. */
  progress: number | null;
  /** Seconds still expected until it is awake, counted from when this was sent. */
  etaSeconds: number | null;
  sleepsAt: number | null;
  /** It will sleep by itself at `sleepsAt`, within a minute or less, unless it is used. */
  announced: boolean;
  /** Its owner keeps it awake until then. */
  hold: Hold | null;
  lastUse: { at: number; source: string } | null;
  /** Null where its workspace is saved nowhere. */
  saved: SavedView | null;
  /** Its idle rule: null never sleeps by itself, absent where the sender does not know. */
  idleMs?: number | null;
  /** Last lines of the log, when failed. */
  logTail: readonly string[];
  /** Origin without a path, or null when nothing listens. */
  url: string | null;
  /** Where a person lands on that origin: "/lab". */
  home: string;
};

/** How far its saves are; a long list of files is cut, so that a message stays small. */
export type SavedView = {
  /** When the remote last confirmed that it holds everything; null: never yet. */
  savedAt: number | null;
  /** Since when something waits for the remote's word; null when nothing does. */
  owedSince: number | null;
  problem: Pick<SaveProblem, "kind" | "message" | "hint" | "since"> | null;
  branch: string | null;
  /** The branch that moved elsewhere, so that saves go to `branch` beside it. */
  beside: string | null;
  setAside: { count: number; files: readonly { path: string; why: string }[] };
  heldDeletions: { gone: number; of: number; why: string } | null;
};

/** Body of `/_sesta/state` and of each message of `/_sesta/events`. */
export type Snapshot = {
  workloads: readonly WorkloadView[];
  /** The sender's wall time, so that a browser with a wrong clock still counts right. */
  now?: number;
};
