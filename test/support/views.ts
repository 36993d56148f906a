// Workload views and reports for tests of the pages and of the gateway.
import type { SaveReport } from "../../src/model/save.ts";
import type { Report } from "../../src/model/status.ts";
import type { SavedView, WorkloadView } from "../../src/model/view.ts";

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
    announced: false,
    hold: null,
    lastUse: null,
    saved: null,
    idleMs: 2_400_000,
    logTail: [],
    url: null,
    home: "/lab",
    ...change,
  };
}

/** Saved five minutes ago, nothing owed. */
export function buildSaved(change: Partial<SavedView> = {}): SavedView {
  return {
    savedAt: exampleNow - 300_000,
    owedSince: null,
    problem: null,
    branch: "main",
    beside: null,
    setAside: { count: 0, files: [] },
    heldDeletions: null,
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
  announced: buildView({
    state: "awake",
    phase: null,
    progress: null,
    etaSeconds: null,
    sleepsAt: exampleNow + 45_000,
    announced: true,
    lastUse: { at: exampleNow - 2_355_000, source: "a cell ran in train.ipynb" },
    saved: buildSaved(),
    url: "http://127.0.0.1:8471",
  }),
  held: buildView({
    state: "awake",
    phase: null,
    progress: null,
    etaSeconds: null,
    sleepsAt: exampleNow + 6 * 3_600_000,
    hold: { until: exampleNow + 6 * 3_600_000, reason: "the long training" },
    lastUse: { at: exampleNow - 20_000, source: "somebody opened its page" },
    saved: buildSaved({
      owedSince: exampleNow - 5_400_000,
      problem: {
        kind: "unreachable",
        message: "the repository cannot be reached.",
        since: exampleNow - 5_000_000,
      },
      setAside: {
        count: 22,
        files: [
          { path: "data/film.mp4", why: "120 MB, more than 100 MB" },
          { path: "keys.env", why: "AWS secret access key in line 3" },
        ],
      },
    }),
    url: "http://127.0.0.1:8471",
  }),
  aside: buildView({
    state: "sleeping",
    phase: "waits for the remote",
    progress: null,
    etaSeconds: null,
    why: "Nobody used it for 40 min.",
    saved: buildSaved({
      beside: "main",
      branch: "sesta/notebook/2026-01-15",
      problem: {
        kind: "refused",
        message: "The remote refused the save: no files larger than a coin.",
        hint: "Look at the hooks of the remote.",
        since: exampleNow - 60_000,
      },
      setAside: { count: 1, files: [{ path: "odd.bin", why: "it cannot be read" }] },
      heldDeletions: { gone: 12, of: 14, why: "more than half of the files are gone at once." },
    }),
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

/** One hostile string wherever the use and the saves of a workload have one. */
export function buildHostileFacts(payload: string): Pick<WorkloadView, "hold" | "lastUse" | "saved"> {
  return {
    hold: { until: exampleNow + 3_600_000, reason: payload },
    lastUse: { at: exampleNow - 60_000, source: payload },
    saved: buildSaved({
      problem: { kind: "refused", message: payload, hint: payload, since: exampleNow },
      branch: payload,
      beside: payload,
      setAside: { count: 3, files: [{ path: payload, why: payload }] },
      heldDeletions: { gone: 3, of: 4, why: payload },
    }),
  };
}

/** An agent's report of a lab that is awake and saved. */
export function buildStubReport(name: string, save: Partial<SaveReport> = {}): Report & { save: SaveReport } {
  return {
    name,
    state: "awake",
    since: exampleNow - 60_000,
    why: "Jupyter Lab answers.",
    pid: 4711,
    phase: null,
    progress: null,
    lastUse: null,
    sleepsAt: null,
    announced: false,
    hold: null,
    open: true,
    save: {
      savedAt: exampleNow,
      owedSince: null,
      branch: "main",
      beside: null,
      behind: false,
      problem: null,
      setAside: [],
      held: null,
      needsToken: false,
      ...save,
    },
    logTail: [],
  };
}
