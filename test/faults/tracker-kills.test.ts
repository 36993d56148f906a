// Trackers and kill -9: of a backup, of a restore, of the agent and of all at once, at moments that differ each time.
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTrackerProject, findMissingTracker, type TrackerProject } from "../support/tracker-project.ts";
import { killHard, until } from "./support/processes.ts";

const missing = findMissingTracker();
if (missing !== "") console.warn(`tracker-kills.test.ts: skipped: ${missing}`);

const moments =
  process.env["SESTA_FAULTS"] === "full" ? [100, 300, 600, 900, 1_300, 1_800, 2_400, 3_000] : [900];

describe.skipIf(missing !== "")("a tracker whose processes are killed", { timeout: 240_000 }, () => {
  let project: TrackerProject;
  let early = "";
  beforeAll(async () => {
    project = await createTrackerProject("backup: { every: never, keep: 50 }");
    await log("early");
    early = (await project.json<{ file: string }>(["backup", "tracking"])).file;
    await log("late");
  }, 240_000);
  afterAll(() => project.end(), 60_000);

  const log = (name: string) =>
    project.python(`
import mlflow
with mlflow.start_run(run_name="${name}"):
    mlflow.log_metric("m", 1)
    mlflow.log_text("canary of ${name}", "note.txt")
`);

  async function listRuns(): Promise<string[]> {
    const { stdout } = await project.python(`
import json, mlflow
runs = mlflow.MlflowClient().search_runs(["0"], order_by=["attributes.start_time"])
print(json.dumps([f"{run.info.run_name}: {mlflow.artifacts.load_text(f'runs:/{run.info.run_id}/note.txt')}" for run in runs]))
`);
    return JSON.parse(stdout.trim().split("\n").at(-1) ?? "[]") as string[];
  }

  /** Of this project: the process that backs up, or brings back. */
  function listWorkers(): number[] {
    return readdirSync("/proc")
      .filter((pid) => /^\d+$/.test(pid))
      .flatMap((pid) => {
        try {
          const argv = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
          const isOurs = argv.some((part) => part.startsWith(project.folder));
          return isOurs && argv.some((part) => part.endsWith("/backup.py")) ? [Number(pid)] : [];
        } catch {
          return [];
        }
      });
  }

  async function killWorker(after: number, command: readonly string[]): Promise<number> {
    const running = project.begin(command);
    const [worker] = await until(
      () => {
        const found = listWorkers();
        return found.length > 0 ? found : undefined;
      },
      () => running.stderr(),
    );
    await delay(after);
    await killHard(worker ?? 0).catch(() => undefined); // it may have ended meanwhile
    return (await running.ended).code;
  }

  const both = ["early: canary of early", "late: canary of late"];

  test.each(moments)(
    "F2: a backup killed after %i ms leaves nothing that passes for one, and the next is whole",
    async (ms) => {
      const folder = project.path("backups/tracking");
      const before = readdirSync(folder).filter((name) => name.endsWith(".tar"));
      await project.must(["sleep", "tracking"]); // it then has a server of its own
      const code = await killWorker(ms, ["backup", "tracking"]);
      const after = readdirSync(folder).filter((name) => name.endsWith(".tar"));
      // Killed between its name and its word about it, it is whole all the same.
      expect(after.length - before.length).toBeLessThanOrEqual(1);
      if (code === 0) expect(after.length - before.length).toBe(1);
      await project.must(["backup", "tracking"]);
      expect(readdirSync(folder).filter((name) => name.startsWith(".making-"))).toEqual([]);
      expect(await listRuns()).toEqual(both);
    },
  );

  test.each(moments)("F2: a restore killed after %i ms leaves the one or the other, whole", async (ms) => {
    await project.must(["sleep", "tracking"]);
    const code = await killWorker(ms, ["restore", "tracking", "-y", "--from", early]);
    const found = await listRuns();
    expect([both, both.slice(0, 1)]).toContainEqual(found);
    if (code === 0) expect(found).toHaveLength(1);
    const newest = readdirSync(project.path("backups/tracking")).toSorted().at(-1) ?? "";
    if (found.length === 1)
      await project.must(["restore", "tracking", "-y", "--from", `backups/tracking/${newest}`]);
    expect(await listRuns()).toEqual(both);
    expect(
      readdirSync(project.path(".sesta/agent/keep/tracking")).filter((name) => name.startsWith("restoring-")),
    ).toEqual([]);
  });

  test("F2: agent, MLflow and the backup killed at once: all of it is there afterwards", async () => {
    const running = project.begin(["backup", "tracking"]);
    await until(() => listWorkers().length > 0, "no backup begins");
    const { pid, agent_pid: agent } = await project.workload("tracking");
    await Promise.all([agent, pid, ...listWorkers()].map((one) => killHard(one ?? 0).catch(() => undefined)));
    await running.ended;
    expect(await listRuns()).toEqual(both);
    await project.must(["backup", "tracking"]);
  });
});
