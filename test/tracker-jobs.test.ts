// Jobs that report to a tracker: each run has one there, with what it printed and brought home, closed by the job's fate.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ProjectStatus } from "../src/model/status.ts";
import { killHard, until } from "./faults/support/processes.ts";
import { createJobHosts, type JobHosts } from "./support/job-hosts.ts";
import { listWorkingIn } from "./support/job-project.ts";
import { findMissingSshd } from "./support/ssh-server.ts";
import { findNewest, listRelays, untilRelaysEnd } from "./support/tracked-runs.ts";
import {
  createTrackerProject,
  findMissingTracker,
  findTrackerEnvironment,
  type TrackerProject,
} from "./support/tracker-project.ts";

const missing = findMissingTracker();
if (missing !== "") console.warn(`tracker-jobs.test.ts: skipped: ${missing}`);
const missingSshd = findMissingSshd();

const program = `
import mlflow, os, sys, time
what = sys.argv[1] if len(sys.argv) > 1 else ""
with mlflow.start_run():
    mlflow.log_metric("loss", 0.5)
    if what == "wait":
        open("waits", "w").close()
        time.sleep(600)
    if what == "long":
        for step in range(40):
            mlflow.log_metric("m", step, step=step)
            time.sleep(0.25)
            if step == 4: open(sys.argv[2] + "/begun", "w").close()
        mlflow.log_text("x" * 2_000_000, "notes/late.txt")
        open(sys.argv[2] + "/over", "w").close()
    os.makedirs("out", exist_ok=True)
    open("out/model.txt", "w").write("a model")
    print("the last words of", what or "it")
if what == "fail":
    sys.exit(3)
`;

describe.skipIf(missing !== "")("jobs that report to a tracker", { timeout: 120_000 }, () => {
  let project: TrackerProject;
  let hosts: JobHosts | undefined;

  beforeAll(async () => {
    const environment = findTrackerEnvironment();
    const python = typeof environment === "string" ? "" : `${environment.path}/bin/python`;
    hosts = missingSshd === undefined ? await createJobHosts(["box"]) : undefined;
    const job = (name: string, more = "") =>
      `${name}:\n  type: job\n  run: ${python} train.py\n  tracker: tracking\n  fetch: [out/]\n  into: results/${name}\n${more}`;
    const targets = hosts ? `targets:\n  ssh: { type: ssh, hosts: [${hosts.shown.join(", ")}] }\n` : "";
    project = await createTrackerProject(
      "idle: never",
      `${job("train")}${hosts ? job("far", "  target: ssh\n") : ""}`,
      {},
      targets,
    );
    project.write("train.py", program);
  }, 240_000);
  afterAll(async () => {
    await project?.end();
    await hosts?.end();
  }, 60_000);

  /** While the tracker is away the relay takes nothing of somebody else on its machine, and tells nothing. */
  async function expectShut() {
    const relays = join(hosts?.servers[0]?.home ?? "", ".sesta/relays");
    const [part = ""] = readdirSync(relays);
    const [, port = ""] = readFileSync(join(relays, part, "running"), "utf8")
      .trim()
      .split(" ");
    const ask = (method: string, path: string) =>
      fetch(`http://127.0.0.1:${port}/api/2.0/mlflow/${path}`, {
        method,
        headers: { authorization: "Bearer sesta_run_of_a_stranger" },
        signal: AbortSignal.timeout(500),
        ...(method === "POST" && { body: "{}" }),
      });
    const { id } = await project.run("far");
    expect(id).toBe(part);
    await expect(ask("POST", "runs/log-batch")).rejects.toThrow();
    await expect(ask("GET", "runs/get?run_id=0")).rejects.toThrow();
  }

  /** The program's own FINISHED may come before Sesta's, which brings the output along. */
  const untilAttached = (experiment: string) =>
    until(async () => {
      const one = await newest(experiment);
      return one && Object.hasOwn(one.artifacts, "sesta/output.txt") ? one : undefined;
    }, "it is not closed");

  const newest = (experiment: string) => findNewest(project, experiment);

  test("it wakes the tracker, opens a run, and closes it with its output and what it fetched", async () => {
    expect((await project.workload("tracking")).state).toBe("asleep");
    const { stdout } = await project.must(["run", "train", "-y", "--", "good"]);
    expect(stdout).toContain("the last words of good");
    const { id } = await project.run("train");
    expect(await newest("train")).toMatchObject({
      name: id,
      status: "FINISHED",
      ended: true,
      metrics: { loss: 0.5 },
      tags: { "sesta.run": id, "sesta.arguments": "good", "sesta.exit_code": "0", "sesta.machine": "local" },
      artifacts: {
        "sesta/output.txt": expect.stringContaining("the last words of good"),
        "sesta/fetched/out/model.txt": "a model",
      },
    });
  });

  test("a program that fails after it closed its run: FAILED, and the code is the program's", async () => {
    const { code } = await project.sesta(["run", "train", "-y", "--", "fail"]);
    expect(code).toBe(3);
    expect(await newest("train")).toMatchObject({ status: "FAILED", tags: { "sesta.exit_code": "3" } });
  });

  const untilWaiting = () =>
    until(
      async () => {
        const found = listWorkingIn(project.home).find(({ command }) => command.includes("train.py"));
        return found && (await newest("train"))?.metrics["loss"] === 0.5 ? found : undefined;
      },
      () => JSON.stringify(listWorkingIn(project.home)),
    );

  test("stopped: KILLED, though nobody follows it", async () => {
    const { stdout } = await project.must(["run", "train", "-y", "-d", "--", "wait"]);
    await untilWaiting();
    expect((await newest("train"))?.status).toBe("RUNNING");
    await project.must(["stop", stdout.trim().split("\n")[0] ?? ""]);
    await until(async () => (await newest("train"))?.status === "KILLED", "it is not closed");
  });

  test("F3: its program killed -9, and its command too: no run stays RUNNING", async () => {
    const running = project.begin(["run", "train", "-y", "--", "wait"]);
    const { pid } = await untilWaiting();
    running.kill("SIGKILL");
    await running.ended;
    await killHard(pid);
    await until(async () => (await newest("train"))?.status === "FAILED", "it is not closed");
    expect((await newest("train"))?.ended).toBe(true);
  });

  test("S5: its token opens the tracker alone, and nothing once the run is over", async () => {
    project.write("show.py", 'import os; print("TOKEN", os.environ["MLFLOW_TRACKING_TOKEN"])');
    const yaml = await project.read("sesta.yaml");
    project.write("sesta.yaml", yaml.replace("python train.py\n", "python show.py\n"));
    const { stdout } = await project.must(["run", "train", "-y"]);
    project.write("sesta.yaml", yaml);
    const [, token = ""] = /TOKEN (\S+)/.exec(stdout) ?? [];
    expect(token).toMatch(/^sesta_run_[\w-]{32}$/);
    const ask = () =>
      fetch(`${project.url}/api/2.0/mlflow/experiments/search?max_results=1`, {
        headers: { authorization: `Bearer ${token}` },
      });
    await until(async () => (await ask()).status === 401, "it opens the tracker still");
  });

  test("a tracker that is not up, or none: said before anything runs", async () => {
    const yaml = await project.read("sesta.yaml");
    project.write("sesta.yaml", yaml.replace("tracker: tracking", "tracker: trackin"));
    const wrong = await project.sesta(["run", "train", "-y"]);
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('did you mean "tracking"?')]);
    project.write("sesta.yaml", yaml);
  });

  test("F4: gateway and relay are killed while it logs: it goes on, and all of it arrives later", async () => {
    const [id = ""] = (
      await project.must(["run", "train", "-y", "-d", "--", "long", project.home])
    ).stdout.split("\n");
    await until(() => existsSync(join(project.home, "begun")), "it does not begin");
    const { gateway } = await project.json<ProjectStatus>(["status"]);
    await killHard(gateway.pid ?? 0);
    for (const { pid } of listRelays(project.home).slice(1)) await killHard(pid);
    await project.untilRun("train", ({ state }) => state === "succeeded");
    expect((await project.json<ProjectStatus>(["status"])).gateway.pid).toBe(null);
    expect(listRelays(project.home)).toHaveLength(2);
    await project.must(["wake", "tracking"]);
    const found = await untilAttached("train");
    expect(found).toMatchObject({
      name: id,
      status: "FINISHED",
      metrics: { m: 39 },
      counts: { m: 40 },
      artifacts: { "notes/late.txt": "x".repeat(2_000_000) },
    });
    await untilRelaysEnd(project.home);
  });

  test.skipIf(missingSshd !== undefined)(
    "F4: the line is cut while it logs: it goes on, and all of it arrives later",
    async () => {
      const running = project.begin(["run", "far", "-y", "--", "long", project.folder]);
      await until(() => existsSync(project.path("begun")), "it does not begin");
      await hosts?.cut(0);
      await expectShut();
      await until(() => existsSync(project.path("over")), "it does not go on");
      expect((await newest("far"))?.status).toBe("RUNNING");
      await hosts?.restore(0);
      const { code, stdout } = await running.ended;
      expect([code, stdout]).toEqual([0, expect.stringContaining("the last words of long")]);
      const found = await untilAttached("far");
      expect(found.status).toBe("FINISHED");
      expect(found).toMatchObject({
        metrics: { m: 39 },
        counts: { m: 40 },
        artifacts: { "notes/late.txt": "x".repeat(2_000_000), "sesta/output.txt": expect.anything() },
      });
      await untilRelaysEnd(hosts?.folder ?? "");
    },
  );

  test.skipIf(missingSshd !== undefined)("on a host over SSH it reports through the connection", async () => {
    const { stdout } = await project.must(["run", "far", "-y", "--", "away"]);
    expect(stdout).toContain("the last words of away");
    expect(await newest("far")).toMatchObject({
      status: "FINISHED",
      metrics: { loss: 0.5 },
      tags: { "sesta.machine": "box" },
      artifacts: {
        "sesta/output.txt": expect.stringContaining("away"),
        "sesta/fetched/out/model.txt": "a model",
      },
    });
  });

  test("down while it runs, and its machine forgotten: the tracker knows how it ended", async () => {
    await project.must(["run", "train", "-y", "-d", "--", "wait"]);
    await untilWaiting();
    await project.must(["down", "train", "-y"]);
    expect(await newest("train")).toMatchObject({
      status: "KILLED",
      artifacts: { "sesta/output.txt": expect.anything() },
    });
    await untilRelaysEnd(project.home);
    if (!hosts) return;
    await project.must(["run", "far", "-y", "-d", "--", "wait"]);
    await until(async () => (await newest("far"))?.status === "RUNNING", "it does not begin");
    await hosts.cut(0);
    await project.must(["down", "far", "--forget", "-y"]);
    expect((await newest("far"))?.status).toBe("FAILED");
    await hosts.restore(0);
  });
});
