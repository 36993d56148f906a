// What an agent says about a workload, what is kept of every change, and what `status` shows.
import type { BackupReport, BackupStatus } from "./backup.ts";
import type { CertificateReport } from "./certificate.ts";
import type { ReplicaReport } from "./release.ts";
import type { SaveReport } from "./save.ts";
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
  /** It will sleep at `sleepsAt`, within a minute or less, unless it is used; where use does not help, false. */
  announced: boolean;
  /** Its owner keeps it awake until then, whatever the idle time. */
  hold: Hold | null;
  /** Requests may pass to the process: awake, or going to sleep and not yet being stopped. */
  open: boolean;
  /** Null where its workspace is saved nowhere. */
  save: SaveReport | null;
  /** Only of what has data of its own. */
  backup?: BackupReport;
  /** Last lines of the log, when failed. */
  logTail: readonly string[];
  /** Only of a service: the release that is live, null before the first, and its replicas. */
  service?: {
    release: number | null;
    port: number;
    replicas: readonly ReplicaReport[];
    /** Null where it has none from a CA; older agents have none. */
    certificate?: CertificateReport | null;
  };
};

export type Hold = { until: number; reason: string | null };

/**
 * A time during which one source showed use without a break, in pieces of ten minutes or a little more; what another
 * timer would have done follows from these. One that goes on has the number 0.
 */
export type UseSpan = { seq: number; workload: string; source: string; from: number; to: number };

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
  /** When the remote last confirmed that it holds everything. */
  saved_at: string | null;
  /** Present where the workspace is saved. */
  save?: SaveStatus;
  /** Present while it is awake. */
  last_use?: { at: string; source: string } | null;
  sleeps_at?: string | null;
  held_until?: string | null;
  pid: number | null;
  agent_pid: number | null;
  /** Only of a service. */
  release?: number | null;
  replicas?: readonly ReplicaReport[];
  /** Only of a service with a certificate from a CA. */
  certificate?: CertificateStatus;
  /** Only of a tracker. */
  backup?: BackupStatus;
  /** Last lines of its log; only when failed. */
  log_tail?: readonly string[];
};

/** A certificate as the command line prints it in JSON. */
export type CertificateStatus = { domain: string; until: string | null; problem: string | null };

/** A save as the command line prints it in JSON. */
export type SaveStatus = {
  branch: string | null;
  /** The branch that moved elsewhere, when saves go beside it. */
  beside: string | null;
  /** Others have added to the branch since; their work is not in the workspace. */
  behind: boolean;
  owed_since: string | null;
  problem: string | null;
  set_aside: readonly { path: string; why: string }[];
  held_deletions: number | null;
};

export type ProjectStatus = {
  project: string;
  gateway: { url: string | null; pid: number | null };
  workloads: WorkloadStatus[];
};
