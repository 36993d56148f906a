// A job among the workloads of `status`: awake while a run of it goes on.
import { isOver, type Run } from "../../model/run.ts";
import type { WorkloadStatus } from "../../model/status.ts";
import type { State } from "../../model/words.ts";
import type { Context } from "../context.ts";
import { refreshRuns } from "./refresh.ts";

/** Of every job that the file names or that exists, or of the one that is asked for. */
export async function listJobStatus(context: Context, only?: string): Promise<WorkloadStatus[]> {
  const { project, state } = context;
  const placed = new Map(state.listPlacedJobs().map((job) => [job.name, job]));
  const declared = Object.values(project.workloads).filter(({ type }) => type === "job");
  const known = new Set([...declared.map(({ name }) => name), ...placed.keys()]);
  const names = [...known].filter((name) => only === undefined || name === only);
  const newest = names.flatMap((name) => state.listRuns(name).slice(0, 5));
  const asked = await refreshRuns(context, newest);
  return names.map((name): WorkloadStatus => {
    const section = declared.find((job) => job.name === name);
    const runs = asked.filter(({ job }) => job === name);
    const run = runs.find((one) => !isOver(one.state)) ?? runs[0];
    const there = placed.get(name);
    const at = run?.startedAt ?? run?.createdAt ?? there?.placedAt ?? null;
    return {
      name,
      type: "job",
      target: there?.target ?? section?.target ?? "local",
      state: stateOf(run, there !== undefined),
      url: null,
      since: at === null ? null : new Date(run?.endedAt ?? at).toISOString(),
      why: section ? describe(run, name, there !== undefined) : orphanWords(name),
      saved_at: null,
      pid: null,
      agent_pid: null,
    };
  });
}

function stateOf(run: Run | undefined, isPlaced: boolean): State {
  if (run && !isOver(run.state)) return run.state === "running" ? "awake" : "waking";
  return isPlaced ? "asleep" : "absent";
}

function describe(run: Run | undefined, name: string, isPlaced: boolean): string {
  if (!run) {
    return isPlaced
      ? `It is ready: \`sesta run ${name}\`.`
      : `It is declared; \`sesta run ${name}\` runs it.`;
  }
  const words = isOver(run.state)
    ? `Its latest run, ${run.id}, ${endWords[run.state] ?? run.state}`
    : `${run.id} is ${run.state}`;
  return `${words}${run.why === null ? "." : `: ${run.why}`}`;
}

const endWords: Readonly<Record<string, string>> = {
  succeeded: "succeeded",
  failed: "failed",
  stopped: "was stopped",
  lost: "was lost",
};

function orphanWords(name: string): string {
  return `It is not in sesta.yaml any more: \`sesta down ${name}\` takes it away.`;
}
