// The runs of jobs as MLflow has them, asked of a project's tracker with MLflow's own client.
import { until } from "../faults/support/processes.ts";
import { listWorkingIn } from "./job-project.ts";
import type { TrackerProject } from "./tracker-project.ts";

export type Tracked = {
  id: string;
  name: string;
  status: string;
  ended: boolean;
  metrics: Record<string, number>;
  /** How many values of each. */
  counts: Record<string, number>;
  tags: Record<string, string>;
  /** Text by path. */
  artifacts: Record<string, string>;
};

/** The newest of an experiment. */
export async function findNewest(project: TrackerProject, experiment: string): Promise<Tracked | undefined> {
  const { stdout } = await project.python(`
import json, mlflow
client = mlflow.MlflowClient()
found = client.get_experiment_by_name("${experiment}")
def files(run, path=None):
    for one in client.list_artifacts(run, path):
        if one.is_dir: yield from files(run, one.path)
        else: yield one.path
print(json.dumps([{
    "id": run.info.run_id, "name": run.info.run_name, "status": run.info.status, "ended": run.info.end_time is not None,
    "metrics": run.data.metrics, "tags": run.data.tags,
    "counts": {key: len(client.get_metric_history(run.info.run_id, key)) for key in run.data.metrics},
    "artifacts": {path: mlflow.artifacts.load_text(f"{run.info.artifact_uri}/{path}") for path in files(run.info.run_id)},
} for run in client.search_runs([found.experiment_id], max_results=1)]))
`);
  return (JSON.parse(stdout.trim().split("\n").at(-1) ?? "[]") as Tracked[])[0];
}

/** Processes of the relays beside runs whose machine's home is below this folder. */
export function listRelays(folder: string) {
  return listWorkingIn(folder).filter(({ command }) => command.includes("relay.py"));
}

export async function untilRelaysEnd(folder: string): Promise<void> {
  await until(() => listRelays(folder).length === 0, "a relay stays");
}
