// A tracker on a host over SSH: its database and backups are there, its door is here.
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createJobHosts, type JobHosts } from "./support/job-hosts.ts";
import { createJobProject, type JobProject } from "./support/job-project.ts";
import { findMissingSshd } from "./support/ssh-server.ts";
import { findMissingTracker, trackerPassword } from "./support/tracker-project.ts";

const missing = findMissingSshd() ?? findMissingTracker();
if (missing !== "") console.warn(`tracker-ssh.test.ts: skipped: ${missing}`);

describe.skipIf(missing !== "")("a tracker over SSH", { timeout: 240_000 }, () => {
  let hosts: JobHosts;
  let project: JobProject;
  let url = "";

  beforeAll(async () => {
    hosts = await createJobHosts(["box"]);
    const yaml =
      `name: trk\ntargets:\n  box: { type: ssh, hosts: [${hosts.shown.join(", ")}] }\n` +
      'secrets: { pass: { env: TRACKER_PASS } }\nworkloads:\n  tracking: { type: tracker, target: box, password: "${secret.pass}", env: { AWS_SECRET_ACCESS_KEY: "${secret.pass}" } }\n';
    project = await createJobProject({ yaml, variables: { TRACKER_PASS: trackerPassword } });
  }, 60_000);
  afterAll(async () => {
    await project?.end();
    await hosts?.end();
  }, 60_000);

  const api = (method: string, path: string, body?: object) =>
    fetch(`${url}/api/2.0/mlflow/${path}`, {
      method,
      headers: { authorization: `Bearer ${trackerPassword}`, "content-type": "application/json" },
      ...(body && { body: JSON.stringify(body) }),
    });
  const sets = () => join(hosts.servers[0]?.home ?? "", "sesta/trk/backups/tracking");

  test("`up` shows Provisioning and Configuration; a program wakes it and logs", async () => {
    const { stderr } = await project.must(["up", "-y"]);
    expect(stderr).toMatch(
      /^Provisioning tracking\n✓ tracking: workspace .*\n(?:.*\n)*Configuration tracking\n/m,
    );
    url = (await project.workload("tracking")).url ?? "";
    const made = await api("POST", "experiments/create", { name: "far" });
    expect(made.status).toBe(200);
    const home = hosts.servers[0]?.home ?? "";
    const find = 'find "$1/.sesta" -path "*/keep/tracking/env/*" -perm 600';
    expect(execFileSync("sh", ["-c", find, "sh", home]).toString()).toMatch(/AWS_SECRET_ACCESS_KEY\n$/);
  });

  test("a backup lies on the host; `down` shows Destroying; what was logged comes back", async () => {
    const home = hosts.servers[0]?.home ?? "";
    const { file } = await project.json<{ file: string }>(["backup", "tracking"]);
    expect(file).toBe(join(sets(), readdirSync(sets()).find((name) => name.endsWith(".tar")) ?? ""));
    const made = execFileSync("sh", ["-c", 'echo "$1"/.sesta/projects/*/environments', "sh", home])
      .toString()
      .trim();
    execFileSync("cp", ["-al", made, `${home}/kept`]); // to make it again takes a minute
    const { stderr, stdout } = await project.must(["down", "-y"]);
    expect(stderr).toMatch(/^Destroying tracking\n✓ tracking: backup /m);
    expect(stdout).toContain(`  backup   ${sets()}/tracking-`);
    execFileSync("sh", ["-c", 'mkdir -p "$2" && cp -al "$1"/. "$2"', "sh", `${home}/kept`, made]);
    await project.must(["up", "-y"]);
    await project.must(["restore", "tracking", "-y"]);
    expect((await api("GET", "experiments/get-by-name?experiment_name=far")).status).toBe(200);
  });
});
