// Workload views for tests of the pages.
import type { WorkloadView } from "../../src/model/view.ts";

/** A lab that has been waking for 7 seconds at `exampleNow`. */
export function buildView(change: Partial<WorkloadView> = {}): WorkloadView {
  return {
    name: "notebook",
    type: "lab",
    title: "Jupyter Lab",
    state: "waking",
    since: exampleNow - 7_000,
    why: "You opened it.",
    phase: "Starting Jupyter Lab",
    progress: 0.5,
    etaSeconds: 6,
    sleepsAt: null,
    idleMs: 2_400_000,
    logTail: [],
    url: null,
    home: "/lab",
    ...change,
  };
}

export const exampleNow = Date.UTC(2026, 0, 15, 12);

const log = ["\u001b[31m[E ServerApp]\u001b[0m Traceback:", "  c.root = <module>", "NameError: 'pathlib'"];

/** One view for each thing that a page can say. */
export const exampleViews: Readonly<Record<string, WorkloadView>> = {
  waking: buildView(),
  unknown: buildView({ phase: null, progress: null, etaSeconds: null }),
  late: buildView({ progress: 0.98, etaSeconds: 0 }),
  asleep: buildView({
    state: "asleep",
    phase: null,
    progress: null,
    etaSeconds: null,
    why: "Nobody used it for 40 min.",
  }),
  sleeping: buildView({
    state: "sleeping",
    phase: "Saving files",
    progress: null,
    etaSeconds: null,
  }),
  failed: buildView({
    state: "failed",
    phase: null,
    progress: null,
    etaSeconds: null,
    why: "It ended with code 1.",
    logTail: log,
  }),
  absent: buildView({ state: "absent", phase: null, progress: null, etaSeconds: null, why: "" }),
  awake: buildView({
    state: "awake",
    phase: null,
    progress: null,
    etaSeconds: null,
    sleepsAt: exampleNow + 1_700_000,
    url: "http://127.0.0.1:8471",
  }),
  "always awake": buildView({
    type: "service",
    title: "iris",
    name: "iris",
    state: "awake",
    idleMs: null,
    url: "http://127.0.0.1:8080",
    home: "/",
  }),
  job: buildView({
    type: "job",
    title: "dcgan",
    name: "dcgan",
    state: "asleep",
    why: "Its last run succeeded.",
  }),
};
