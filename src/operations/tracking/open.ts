// Opens a run in the tracker that a job reports to, and tells the job's program where it is.
import { SestaError } from "../../base/errors.ts";
import type { Machine } from "../../machine/machine.ts";
import type { JobSection } from "../../model/project.ts";
import { createRunToken } from "../../model/run-token.ts";
import type { Run } from "../../model/run.ts";
import type { Context } from "../context.ts";
import { askGateway, ensureGateway } from "../gateway.ts";
import { requireUp } from "../plan.ts";
import { createMlflow } from "./mlflow.ts";

/** Null: that of a container. */
export type NodePython = { machine: Machine; python: string } | null;

/** What a program of one node needs to report: variables that MLflow's clients read. */
export type Reporting = readonly Readonly<Record<string, string>>[];

/**
 * Wakes the tracker. A run that was taken up again goes on with the run that it has there, with another token.
 * @returns for each node; undefined where the job reports to nobody
 * @throws SestaError NOT_UP, TRACKER
 * @param pythons the Python that its program has, for each node
 */
export async function openTracked(
  context: Context,
  job: JobSection,
  run: Run,
  pythons: readonly NodePython[],
): Promise<Reporting | undefined> {
  const { tracker } = job;
  if (tracker === undefined) return undefined;
  const { state, world } = context;
  requireTracker(context, tracker);
  const { token, digest } = createRunToken();
  // One that it was given before stays good: its program may run with it already.
  state.saveRunToken(digest, tracker, run.id);
  const { doors } = await ensureGateway(context); // it has seen the token when this returns
  const url = doors[tracker];
  if (url === undefined)
    throw new SestaError("TRACKER", `${tracker} has no door`, { hint: "Run `sesta status`." });
  const mlflow = createMlflow(url, token, world.signal);
  const known = run.tracked;
  const tracked = known ?? {
    workload: tracker,
    ...(await open(context, mlflow, job, run)),
    ports: run.nodes.map(() => null),
    isOpen: true,
  };
  state.changeRun(run.id, (one) => ({ ...one, tracked }));
  const { urls } = await askGateway(context, "reach", { run: run.id });
  const measures = await Promise.all(pythons.map(canMeasure));
  return urls.map((own, node) => ({
    MLFLOW_TRACKING_URI: own,
    MLFLOW_TRACKING_TOKEN: token,
    MLFLOW_RUN_ID: tracked.runId,
    MLFLOW_EXPERIMENT_ID: tracked.experimentId,
    MLFLOW_DISABLE_TELEMETRY: "true",
    ...(measures[node] && { MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING: "true" }),
    // Else the figures of several machines are one.
    ...(run.nodes.length > 1 && { MLFLOW_SYSTEM_METRICS_NODE_ID: run.nodes[node]?.machine ?? "" }),
  }));
}

/** MLflow's client ends a program that asks for the machine's figures and has no psutil to read them with. */
async function canMeasure(found: NodePython): Promise<boolean> {
  if (found === null) return false;
  const asked = await found.machine.run([found.python, "-c", "import psutil"]).catch(() => undefined);
  return asked?.exitCode === 0;
}

function requireTracker(context: Context, name: string): void {
  const { type } = requireUp(context, name);
  if (type !== "tracker")
    throw new SestaError("UNSUPPORTED", `${name} is a ${type}: runs report to a tracker`);
}

async function open(
  { project, world }: Context,
  mlflow: ReturnType<typeof createMlflow>,
  job: JobSection,
  run: Run,
): Promise<{ experimentId: string; runId: string; artifacts: string }> {
  const experimentId = await mlflow.findExperiment(job.name);
  const made = await mlflow.createRun({
    experimentId,
    name: run.id,
    startedAt: world.clock.now(),
    tags: buildTags(project.name, job, run),
  });
  return { experimentId, ...made };
}

/** Those of MLflow's own first, by which its pages know where a run comes from. */
function buildTags(project: string, job: JobSection, run: Run): Record<string, string> {
  const { commit, dirty, args, nodes, container } = run;
  return {
    "mlflow.source.name": `${project}/${job.name}`,
    "mlflow.source.type": "JOB",
    ...(commit !== null && { "mlflow.source.git.commit": commit }),
    "sesta.run": run.id,
    "sesta.job": job.name,
    "sesta.machine": nodes.map(({ machine }) => machine).join(", "),
    ...(dirty !== null && { "sesta.dirty": String(dirty) }),
    ...(args.length > 0 && { "sesta.arguments": args.join(" ") }),
    ...(container !== null && { "sesta.container": container }),
  };
}
