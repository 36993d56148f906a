// Jobs on several machines, and in a container over SSH, that report to a tracker: real sshds, MLflow and podman.
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createJobHosts, findMissingUnshare, type JobHosts } from "./support/job-hosts.ts";
import { createPodman, findMissingPodman } from "./support/podman.ts";
import { findMissingShell } from "./support/run-rig.ts";
import { findMissingSshd } from "./support/ssh-server.ts";
import { findNewest, untilRelaysEnd } from "./support/tracked-runs.ts";
import {
  createTrackerProject,
  findMissingTracker,
  findTrackerEnvironment,
  type TrackerProject,
} from "./support/tracker-project.ts";

const missing = findMissingTracker() || findMissingSshd();
if (missing) console.warn(`tracker-nodes.test.ts: skipped: ${missing}`);

/** Whoever comes first waits for the other, so that both log at once. */
const pair = `
import mlflow, os, sys, time
rank, meet, fails = os.environ["RANK"], sys.argv[1], sys.argv[2:] == ["fail"]
with mlflow.start_run():
    open(f"{meet}/{rank}", "w").close()
    while len(os.listdir(meet)) < 2: time.sleep(0.05)
    for step in range(20):
        mlflow.log_metric(f"loss_{rank}", step, step=step)
    time.sleep(1)
    print("node", rank, "has logged")
if fails and rank == "1":
    sys.exit(3)
`;

/** A container with nothing but busybox has no MLflow. */
const inside = `busybox wget -q -O /dev/null --header "Authorization: Bearer $MLFLOW_TRACKING_TOKEN" \\
  --header "Content-Type: application/json" \\
  --post-data "{\\"run_id\\": \\"$MLFLOW_RUN_ID\\", \\"key\\": \\"inside\\", \\"value\\": 7, \\"timestamp\\": 1, \\"step\\": 0}" \\
  "$MLFLOW_TRACKING_URI/api/2.0/mlflow/runs/log-metric" && echo told it`;

describe.skipIf(missing)("runs in other places report to a tracker", { timeout: 180_000 }, () => {
  const missingPair = findMissingUnshare();
  const missingPodman = findMissingPodman() ?? findMissingShell("busybox");
  const folder = mkdtempSync(join(tmpdir(), "sesta-nodes-"));
  const podman = missingPodman === undefined ? createPodman(join(folder, "podman")) : undefined;
  let project: TrackerProject;
  let pairHosts: JobHosts;
  let boxHosts: JobHosts;

  beforeAll(async () => {
    const environment = findTrackerEnvironment();
    const python = typeof environment === "string" ? "" : `${environment.path}/bin/python`;
    pairHosts = await createJobHosts(["one", "two"], { apart: missingPair === undefined });
    boxHosts = await createJobHosts(["box"], { variables: podman?.variables ?? {} });
    const target = (name: string, { shown }: JobHosts) =>
      `  ${name}: { type: ssh, hosts: [${shown.join(", ")}] }\n`;
    project = await createTrackerProject(
      "idle: never",
      `pair:
  type: job
  target: pair
  nodes: 2
  tracker: tracking
  run: ${python} pair.py
  env: { MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING: "true", MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL: "0.2" }
boxed:
  type: job
  target: box
  tracker: tracking
  container: { build: ., tag: sesta-tells }
  run: ${JSON.stringify(inside)}
`,
      {},
      `targets:\n${target("pair", pairHosts)}${target("box", boxHosts)}`,
    );
    project.write("pair.py", pair);
    project.write(
      "Dockerfile",
      "FROM scratch\nCOPY busybox /bin/busybox\nCOPY busybox /bin/sh\nENV PATH=/bin\n",
    );
    if (missingPodman === undefined) copyFileSync("/bin/busybox", project.path("busybox"));
  }, 240_000);
  afterAll(async () => {
    await project?.end();
    await pairHosts?.end();
    podman?.end();
    await boxHosts?.end();
    rmSync(folder, { recursive: true, force: true });
  }, 120_000);

  test.skipIf(missingPair !== undefined)(
    "two machines log to one run, which ends as the job does",
    async () => {
      for (const [word, code, status] of [
        ["good", 0, "FINISHED"],
        ["fail", 3, "FAILED"],
      ] as const) {
        const meet = mkdtempSync(join(folder, "meet-"));
        const ran = await project.sesta(["run", "pair", "-y", "--", meet, word]);
        expect([ran.code, ran.stderr]).toEqual([code, expect.anything()]);
        const found = await findNewest(project, "pair");
        const output = (rank: number) => expect.stringContaining(`node ${rank} has logged`) as string;
        expect(found).toMatchObject({
          name: (await project.run("pair")).id,
          status,
          ended: true,
          counts: { loss_0: 20, loss_1: 20 },
          metrics: {
            "system/one/cpu_utilization_percentage": expect.any(Number) as number,
            "system/two/cpu_utilization_percentage": expect.any(Number) as number,
          },
          tags: { "sesta.machine": "one, two" },
          artifacts: { "sesta/one/output.txt": output(0), "sesta/two/output.txt": output(1) },
        });
        await untilRelaysEnd(pairHosts.folder);
      }
    },
  );

  test.skipIf(missingPodman !== undefined)("a program in a container over SSH", async ({ skip }) => {
    const tried = podman?.run("build", "-q", "-t", "sesta-try", project.folder);
    const works =
      tried?.status === 0 && podman?.run("run", "--rm", "--init", "sesta-try", "sh", "-c", "true");
    if (!works || works.status !== 0) return skip("podman cannot make containers here");
    const { stdout } = await project.must(["run", "boxed", "-y"]);
    expect(stdout).toBe("told it\n");
    const { container } = await project.run("boxed");
    expect(container).toMatch(/[0-9a-f]{64}/);
    expect(await findNewest(project, "boxed")).toMatchObject({
      status: "FINISHED",
      metrics: { inside: 7 },
      tags: { "sesta.container": container, "sesta.machine": "box" },
      artifacts: { "sesta/output.txt": "told it\n" },
    });
    await untilRelaysEnd(boxHosts.folder);
  });
});
