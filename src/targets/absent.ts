// The report of a workload that a target knows nothing of.
import type { Report } from "../model/status.ts";

/** @param now wall time in milliseconds */
export function buildAbsent(name: string, now: number): Report {
  return {
    name,
    state: "absent",
    since: now,
    why: "It has not been brought up.",
    pid: null,
    phase: null,
    progress: null,
    lastUse: null,
    sleepsAt: null,
    announced: false,
    hold: null,
    open: false,
    save: null,
    logTail: [],
  };
}
