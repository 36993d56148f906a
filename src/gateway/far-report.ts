// What is shown of a workload whose machine does not answer: the agent, which knows, cannot be asked.
import type { Report } from "../model/status.ts";
import type { PlacedWorkload } from "../state/project-state.ts";
import { buildAbsent } from "../targets/absent.ts";

/** It was awake, or on the way, when its machine went away. */
export function buildLost(before: Report, why: string, now: number): Report {
  return { ...still(before), state: "failed", since: now, why, phase: null };
}

/** Its machine is being woken, or the connection to it made. */
export function buildReaching(
  { name, target }: PlacedWorkload,
  before: Report | undefined,
  now: number,
): Report {
  return {
    ...still(before ?? buildAbsent(name, now)),
    state: "waking",
    since: now,
    why: `${target} is being reached.`,
    phase: `waits for ${target} to answer`,
  };
}

function still(report: Report): Report {
  return { ...report, pid: null, progress: null, sleepsAt: null, announced: false, open: false, logTail: [] };
}
