// F18: the disk of a tracker is full: it says so instead of failing request by request, and loses nothing.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTrackerProject, findMissingTracker, type TrackerProject } from "../support/tracker-project.ts";
import { until } from "./support/processes.ts";
import { findMissingMount, mountSmallDisk, type SmallDisk } from "./support/small-disk.ts";

const missing = findMissingTracker() || findMissingMount();
if (missing !== "") console.warn(`tracker-disk.test.ts: skipped: ${missing}`);

const megabyte = 1024 * 1024;

describe.skipIf(missing !== "")("a tracker whose disk is full", { timeout: 120_000 }, () => {
  let project: TrackerProject;
  let disk: SmallDisk | undefined;
  beforeAll(async () => {
    project = await createTrackerProject("backup: { every: never }");
    disk = mountSmallDisk(project.path(".sesta/agent/keep/tracking"), 400 * megabyte);
  }, 240_000);
  afterAll(async () => {
    await project?.sesta(["sleep", "tracking"]);
    disk?.end();
    await project?.end();
  }, 60_000);

  test("it ends with the reason, wakes when there is room, and has all that was acknowledged", async () => {
    const logging = project.python(
      `
import mlflow, sys, time
from mlflow.entities import Metric
client = mlflow.MlflowClient()
run = client.create_run("0")
open("run", "w").write(run.info.run_id)
acknowledged = 0
try:
    for batch in range(400):
        client.log_batch(run.info.run_id, metrics=[Metric("m", 1.0, 1, batch * 100 + n) for n in range(100)])
        acknowledged += 100
        open("acknowledged", "w").write(str(acknowledged))
        time.sleep(0.02)
except Exception as error:
    print("stopped", str(error)[:300])
`,
      { MLFLOW_HTTP_REQUEST_MAX_RETRIES: "1" },
    );
    await until(
      async () => Number(await project.read("acknowledged").catch(() => "0")) > 500,
      "it does not log",
    );
    disk?.leave(20 * megabyte);
    const failed = await project.until("tracking", ({ state }) => state === "failed");
    expect(failed.why).toMatch(/only \d+ MB are free on the disk of .*; 64 MB are kept free/);
    await logging;
    const refused = await project.ask("/api/2.0/mlflow/experiments/search?max_results=1");
    expect([refused.status, await refused.text()]).toEqual([503, expect.stringContaining("failed")]);
    const wake = await project.sesta(["wake", "tracking"]);
    expect([wake.code, wake.stderr]).toEqual([1, expect.stringContaining("MB are free")]);
    disk?.leave(200 * megabyte);
    await project.must(["wake", "tracking"]);
    const acknowledged = Number(await project.read("acknowledged"));
    const { stdout } = await project.python(`
import mlflow
print(len({one.step for one in mlflow.MlflowClient().get_metric_history(open("run").read(), "m")}))
`);
    expect(Number(stdout.trim().split("\n").at(-1))).toBeGreaterThanOrEqual(acknowledged);
  });
});
