// What an agent says about a workload, what is kept of every change, and what `status` shows.
import type { State, WorkloadType } from "./words.ts";

/** Wall times are milliseconds since the epoch. */
export type Report = {
  name: string;
  state: State;
  since: number;
  /** One sentence: why it is in this state. */
  why: string;
  /** Process id of what runs, on its machine. */
  pid: number | null;
  /** While waking or sleeping: what is going on now. */
  phase: string | null;
  /** 0 to 1 while waking. */
  progress: number | null;
  lastUse: { at: number; source: string } | null;
  sleepsAt: number | null;
  /** Last lines of the log, when failed. */
  logTail: readonly string[];
};

export type Change = {
  seq: number;
  at: number;
  workload: string;
  from: State;
  to: State;
  why: string;
  /** "owner", "visitor", "agent", … */
  by: string;
};

export type WorkloadStatus = {
  name: string;
  type: WorkloadType;
  target: string;
  state: State;
  /** Origin without a path, or null when nothing listens. */
  url: string | null;
  since: string | null;
  why: string;
  saved_at: string | null;
  pid: number | null;
  agent_pid: number | null;
  /** Last lines of its log; only when failed. */
  log_tail?: readonly string[];
};

export type ProjectStatus = {
  project: string;
  gateway: { url: string | null; pid: number | null };
  workloads: WorkloadStatus[];
};
