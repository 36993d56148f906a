// Runs as people read them: one line each, and what became of one.
import { isOver, type Run, type RunState } from "../model/run.ts";
import type { FetchResult } from "../operations/jobs/fetch.ts";
import { isUnfetched } from "../operations/jobs/outputs-folder.ts";
import { formatSize } from "../model/size.ts";
import { formatMs, formatTime } from "./durations.ts";
import { formatTable, type Paint } from "./terminal.ts";

const styles = {
  queued: "yellow",
  starting: "yellow",
  running: "green",
  succeeded: "green",
  failed: "red",
  stopped: "dim",
  lost: "red",
} as const satisfies Record<RunState, string>;

/** @param now wall time in milliseconds */
export function formatRuns(runs: readonly Run[], now: number, paint: Paint): string {
  const rows = runs.map((run) => [
    run.id,
    paint(styles[run.state], describeState(run)),
    machinesOf(run),
    formatTime(run.createdAt),
    describeTime(run, now),
    run.peakBytes === null ? "" : formatSize(run.peakBytes),
    describeCommit(run),
    describeOutputs(run),
    run.why ?? "",
  ]);
  const head = ["run", "state", "machine", "began", "took", "memory", "commit", "outputs", "why"];
  return formatTable([head.map((cell) => paint("dim", cell)), ...rows]);
}

export function describeState({ state, exitCode }: Run): string {
  return state === "failed" && exitCode !== null ? `failed (${exitCode})` : state;
}

function machinesOf({ nodes }: Run): string {
  return nodes.map(({ machine }) => machine).join(", ");
}

function describeTime({ startedAt, endedAt }: Run, now: number): string {
  return startedAt === null ? "" : formatMs(Math.max(0, (endedAt ?? now) - startedAt));
}

function describeCommit({ commit, dirty }: Run): string {
  return commit === null ? "" : `${commit.slice(0, 8)}${dirty ? "+" : ""}`;
}

/** One that never began has none. */
function describeOutputs(run: Run): string {
  const { fetched, state } = run;
  const isOwed = isOver(state) && isUnfetched(run);
  if (!fetched) return isOwed ? "not fetched" : "";
  return `${formatSize(fetched.bytes)}${isOwed ? ", in part" : ""}`;
}

/** Where outputs are now, and what is not among them. */
export function describeFetched({ into, files, bytes, missing, skipped }: FetchResult, paint: Paint): string {
  const mark = paint("yellow", "!");
  return [
    `${files} ${files === 1 ? "file" : "files"}, ${formatSize(bytes)}, in ${into}`,
    ...missing.map((pattern) => `${mark} nothing matched ${pattern}`),
    ...skipped.slice(0, 10).map(({ path, why }) => `${mark} left out: ${path} (${why})`),
    ...(skipped.length > 10 ? [`${mark} and ${skipped.length - 10} more left out`] : []),
    "",
  ].join("\n");
}
