// Artifacts of a tracker in a bucket: they come and go through the front door, and a backup says that it has none.
import { readdirSync, statSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { listLiving } from "./faults/support/processes.ts";
import { findBucketServer, type Bucket, type Key } from "./support/bucket.ts";
import { findInFiles, findInProcesses } from "./support/canary.ts";
import { createTrackerProject, findMissingTracker, type TrackerProject } from "./support/tracker-project.ts";

const startBucket = findBucketServer();
const missing = typeof startBucket === "string" ? startBucket : findMissingTracker(["boto3"]);
if (missing !== "") console.warn(`tracker-artifacts.test.ts: skipped: ${missing}`);

const variablesOf = ({ id, secret }: Key) => ({ BUCKET_ID: id, BUCKET_SECRET: secret });
const leftOut = "its artifacts in s3://team/artifacts";

describe.skipIf(missing !== "")("artifacts in a bucket", { timeout: 120_000 }, () => {
  let bucket: Bucket;
  let key: Key;
  let project: TrackerProject;
  let yaml = "";
  let run = "";
  let backup = "";
  beforeAll(async () => {
    if (typeof startBucket === "string") return;
    bucket = await startBucket();
    project = await createTrackerProject(
      `artifacts: s3://team/artifacts
packages: [boto3]
env:
  MLFLOW_S3_ENDPOINT_URL: ${bucket.url}
  AWS_DEFAULT_REGION: us-east-1
  AWS_ACCESS_KEY_ID: "\${secret.bucket_id}"
  AWS_SECRET_ACCESS_KEY: "\${secret.bucket}"
backup: { every: never }`,
      "",
      variablesOf(bucket),
      "",
      "bucket_id: { env: BUCKET_ID }\nbucket: { env: BUCKET_SECRET }",
    );
    yaml = await project.read("sesta.yaml");
  }, 300_000);
  afterAll(async () => {
    await project?.end();
    await bucket?.end();
  }, 60_000);

  const log = (text: string, env: NodeJS.ProcessEnv = {}) =>
    project.python(
      `
import mlflow
with mlflow.start_run() as run:
    mlflow.log_text("${text}", "notes/note.txt")
print(run.info.run_id)
`,
      env,
    );
  const load = async () =>
    (await project.python(`import mlflow; print(mlflow.artifacts.load_text("runs:/${run}/notes/note.txt"))`))
      .stdout;

  test("what a run logs is in the bucket, comes back, and is listed; also after a sleep", async () => {
    run = (await log("canary of one")).stdout.trim().split("\n").at(-1) ?? "";
    expect(await bucket.list()).toEqual([`artifacts/0/${run}/artifacts/notes/note.txt`]);
    expect(await load()).toContain("canary of one");
    for (const api of ["api", "ajax-api"]) {
      const listed = await project.ask(`/${api}/2.0/mlflow/artifacts/list?run_id=${run}&path=notes`);
      expect(await listed.json()).toMatchObject({ files: [{ path: "notes/note.txt", file_size: 13 }] });
    }
    await project.must(["sleep", "tracking"]);
    await project.until("tracking", ({ state }) => state === "asleep");
    const shown = await project.ask(`/get-artifact?run_uuid=${run}&path=notes/note.txt`);
    expect([shown.status, await shown.text()]).toEqual([200, "canary of one"]);
  });

  test("nobody is sent to the bucket with the tracker's signature", async () => {
    const path = `0/${run}/artifacts/notes/note.txt`;
    const asked = await Promise.all([
      project.ask(`/api/2.0/mlflow-artifacts/presigned/${path}`),
      project.ask(`/api/2.0/mlflow-artifacts/mpu/create/${path}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ path: "note.txt", num_parts: 1 }),
      }),
    ]);
    expect(asked.map(({ status }) => status)).toEqual([501, 501]);
  });

  test("S5: its secrets stand in files for their owner's eyes, and in no log, command line or environment", async () => {
    const folder = project.path(".sesta/agent/keep/tracking/env");
    expect(readdirSync(folder).toSorted()).toEqual(["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]);
    const file = `${folder}/AWS_SECRET_ACCESS_KEY`;
    expect(await findInFiles(project.folder, bucket.secret)).toEqual([file]);
    expect([statSync(folder).mode & 0o777, statSync(file).mode & 0o777]).toEqual([0o700, 0o600]);
    const own = listLiving(project.folder);
    expect(own.length).toBeGreaterThan(1);
    expect(await findInProcesses(bucket.secret, own)).toEqual([]);
  });

  test("another secret or variable is taken over by `up`, and said where it waits for the next start", async () => {
    key = await bucket.replaceKey();
    const { stderr } = await project.must(["up", "tracking", "-y"], variablesOf(key));
    expect(stderr).toContain(
      "tracking takes over what has changed, secret bucket_id, bucket, at its next start",
    );
    expect((await project.must(["up", "tracking", "-y"], variablesOf(key))).stderr).not.toContain(
      "takes over",
    );
    await expect(log("refused", { MLFLOW_HTTP_REQUEST_MAX_RETRIES: "0" })).rejects.toThrow("500");
    await project.must(["sleep", "tracking"]);
    expect(await load()).toContain("canary of one");
    expect(await plan()).toBe("none");
    project.write("sesta.yaml", yaml.replace("us-east-1", "eu-central-1"));
    expect(await plan()).toBe("change");
    project.write("sesta.yaml", yaml.replace('AWS_ACCESS_KEY_ID: "${secret.bucket_id}"', ""));
    expect(await plan()).toBe("change");
    project.write("sesta.yaml", yaml);
  });

  const plan = async () =>
    (await project.json<{ plans: { action: string }[] }>(["plan", "tracking"])).plans[0]?.action;

  test("a backup, and a restore, say that they leave the bucket alone", async () => {
    const { stdout, stderr } = await project.must(["backup", "tracking"]);
    backup = stdout.split("  ")[0] ?? "";
    expect(stderr).toContain(`it holds the database; ${leftOut} are not in it`);
    expect(await project.json(["backup", "tracking"])).toMatchObject({ left_out: leftOut });
    const restored = await project.must(["restore", "tracking", "-y", "--from", backup]);
    expect(restored.stderr).toContain(`${leftOut} stay as they are`);
    expect(await load()).toContain("canary of one");
  });

  test("`down` says what stays, and after a restore it is there again", async () => {
    const before = await bucket.list();
    const { stdout, stderr } = await project.must(["down", "tracking", "-y"]);
    expect(stdout + stderr).toContain(
      `back up its database, and try the backup out; ${leftOut} are not in it`,
    );
    expect(stdout).toContain("gone     its database\n");
    expect(stdout).toContain(`remains  ${leftOut}`);
    expect(await bucket.list()).toEqual(before);
    project.write("sesta.yaml", yaml.replace("artifacts: s3://team/artifacts", ""));
    await project.up();
    const elsewhere = await project.sesta(["restore", "tracking", "-y", "--from", backup]);
    expect([elsewhere.code, elsewhere.stderr]).toEqual([1, expect.stringContaining("it holds no artifacts")]);
    project.write("sesta.yaml", yaml);
    await project.up(variablesOf(key));
    await project.must(["restore", "tracking", "-y", "--from", backup]);
    expect(await load()).toContain("canary of one");
    const lost = await project.sesta(["down", "tracking", "--discard-data"]);
    expect(lost.stdout + lost.stderr).toContain("the runs and models of tracking are lost for good");
  });
});
