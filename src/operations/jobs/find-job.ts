// Finds a job of the project, or a run by its id or its job's name.
import { closest } from "fastest-levenshtein";
import { SestaError } from "../../base/errors.ts";
import { findWorkload, listJobs, type JobSection } from "../../model/project.ts";
import type { Run } from "../../model/run.ts";
import type { Context } from "../context.ts";

/** @throws SestaError UNKNOWN_WORKLOAD */
export function getJob({ project }: Context, name: string): JobSection {
  const found = findWorkload(project, name);
  if (found?.type === "job") return found;
  const jobs = listJobs(project).map((job) => job.name);
  if (name === "" && jobs.length > 0)
    throw new SestaError("USAGE", "Which job?", { hint: `Jobs of this project: ${jobs.join(", ")}.` });
  throw new SestaError(
    "UNKNOWN_WORKLOAD",
    found ? `${name} is a ${found.type}, not a job` : `No job is called "${name}"`,
    {
      hint:
        jobs.length > 0
          ? `Did you mean "${closest(name, jobs)}"?`
          : "Add one under `workloads:` in sesta.yaml, with `type: job`.",
    },
  );
}

/** Declared as one, or still there from when it was. */
export function isJob({ project, state }: Context, name: string): boolean {
  const declared = findWorkload(project, name);
  return declared ? declared.type === "job" : state.listPlacedJobs().some((job) => job.name === name);
}

/** By its id or the beginning of one, or a job's name for its latest. */
export function findRun({ state }: Context, name: string): Run | undefined {
  const exact = state.findRun(name) ?? state.listRuns(name)[0];
  if (exact) return exact;
  const begun = state.listRuns().filter(({ id }) => id.startsWith(`${name}-`));
  return begun.length === 1 ? begun[0] : undefined;
}

/** For verbs that take both workloads and runs: a run, or undefined for what is no job. @throws SestaError UNKNOWN_RUN */
export function findJobRun(context: Context, name: string): Run | undefined {
  const section = findWorkload(context.project, name);
  if (section && section.type !== "job") return undefined;
  if (context.state.findWorkload(name)) return undefined;
  return section ? getRun(context, name) : findRun(context, name);
}

/** @throws SestaError UNKNOWN_RUN */
export function getRun(context: Context, name: string): Run {
  const found = findRun(context, name);
  if (found) return found;
  const type = findWorkload(context.project, name)?.type;
  if (type !== undefined && type !== "job")
    throw new SestaError("UNKNOWN_RUN", `${name} is a ${type}, which has no runs`, {
      hint: `\`sesta sleep ${name}\` ends what runs of it, \`sesta down ${name}\` takes it away.`,
    });
  const isJob = type === "job";
  const ids = context.state.listRuns().map(({ id }) => id);
  throw new SestaError("UNKNOWN_RUN", isJob ? `${name} has not run yet` : `No run is called "${name}"`, {
    hint: isJob
      ? `Run \`sesta run ${name}\`.`
      : ids.length > 0
        ? `Did you mean "${closest(name, ids)}"? \`sesta runs\` lists them.`
        : "`sesta run JOB` makes one.",
  });
}
