// A run: one execution of a job, as Sesta remembers it and as its machines tell of it.
import type { JobSection } from "./project.ts";

export const runStates = ["queued", "starting", "running", "succeeded", "failed", "stopped", "lost"] as const;
export type RunState = (typeof runStates)[number];

export function isOver(state: RunState): boolean {
  return state === "succeeded" || state === "failed" || state === "stopped" || state === "lost";
}

/**
 * What a node's part of a run is called on its machine: its folder's name. Machines of one run may share a home folder.
 * @param node its rank
 */
export function partOf({ id, nodes }: Pick<Run, "id" | "nodes">, node: number): string {
  return nodes.length > 1 ? `${id}.${node}` : id;
}

/** Wall times are milliseconds since the epoch. */
export type Run = {
  id: string;
  job: string;
  target: string;
  createdAt: number;
  state: RunState;
  /** One sentence where the state alone does not say it. */
  why: string | null;
  args: readonly string[];
  /** Of the sources, where git knows it. */
  commit: string | null;
  /** The sources were not as that commit has them. */
  dirty: boolean | null;
  /** Digest of the image. */
  container: string | null;
  packages: readonly string[];
  startedAt: number | null;
  endedAt: number | null;
  exitCode: number | null;
  peakBytes: number | null;
  /** In the order of their ranks. */
  nodes: readonly RunNode[];
  /** What was brought home last. */
  fetched: FetchedOutputs | null;
  /** Only of a job that reports to a tracker, once that knows of it. */
  tracked?: TrackedRun;
  /** Of the job, as it was when the run began. */
  settings: Pick<JobSection, "stdout" | "fetch" | "into" | "timeoutMs" | "rendezvousMs">;
  /** What it is made of; the same again is the same run when its first command died on the way. */
  digest: string;
  /** The process that submits it; null once somebody let go of it on purpose. */
  submitter: { pid: number; startTime: string; bootId: string } | null;
};

export type RunNode = {
  /** The machine's name. */
  machine: string;
  state: RunState;
  why: string | null;
  /** Absolute, on the machine; null until it was submitted there. */
  folder: string | null;
  /** In the line before the machine, from 1. */
  place: number | null;
  startedAt: number | null;
  endedAt: number | null;
  exitCode: number | null;
  peakBytes: number | null;
  limitBytes: number | null;
  attempts: number;
};

export type TrackedRun = {
  /** The tracker's name. */
  workload: string;
  /** As MLflow knows them. */
  runId: string;
  experimentId: string;
  /** Where its artifacts are. */
  artifacts: string;
  /** By rank: the loopback port of the machine that leads to the tracker; null before it does. */
  ports: readonly (number | null)[];
  /** The tracker has not been told yet how it ended. */
  isOpen: boolean;
};

export type FetchedOutputs = {
  files: number;
  bytes: number;
  /** Absolute. */
  into: string;
  at: number;
  /** The run was over when it began. */
  isWhole: boolean;
};
