// Backups of a tracker: whole, tried out, and brought back; `down` never loses what is not in one.
import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { WorkloadStatus } from "../src/model/status.ts";
import { findInFiles } from "./support/canary.ts";
import { createTrackerProject, findMissingTracker, type TrackerProject } from "./support/tracker-project.ts";

const missing = findMissingTracker();
if (missing !== "") console.warn(`tracker-backups.test.ts: skipped: ${missing}`);

type Made = { file: string | null; bytes: number | null };

describe.skipIf(missing !== "")("backups of a tracker", { timeout: 120_000 }, () => {
  let project: TrackerProject;
  beforeAll(async () => {
    project = await createTrackerProject('backup: { keep: 3, every: never, passphrase: "${secret.backup}" }');
  }, 240_000);
  afterAll(() => project.end(), 60_000);

  const folder = () => project.path("backups/tracking");
  const list = () =>
    readdirSync(folder())
      .filter((name) => name.endsWith(".tar"))
      .toSorted();
  const backUp = () => project.json<Made>(["backup", "tracking"]);

  /** Names of the runs, with the text that each kept as an artifact. */
  async function listRuns(): Promise<string[]> {
    const { stdout } = await project.python(`
import json, mlflow
client = mlflow.MlflowClient()
runs = client.search_runs(["0"], order_by=["attributes.start_time"])
print(json.dumps([f"{run.info.run_name} {mlflow.artifacts.load_text(f'runs:/{run.info.run_id}/note.txt')}" for run in runs]))
`);
    return JSON.parse(stdout.trim().split("\n").at(-1) ?? "[]") as string[];
  }

  const log = (name: string) =>
    project.python(`
import mlflow
with mlflow.start_run(run_name="${name}"):
    mlflow.log_metric("m", 1)
    mlflow.log_text("canary of ${name}", "note.txt")
`);

  test("before it was ever awake there is nothing to back up, and `down` needs none", async () => {
    expect((await backUp()).file).toBeNull();
    const { stdout } = await project.must(["down", "tracking", "-y"]);
    expect(stdout).not.toContain("backup ");
    await project.up();
  });

  test("awake and asleep: one file that only its owner reads, encrypted, and kept as many as wanted", async () => {
    await log("one");
    const awake = await backUp();
    expect(awake.file).toMatch(/backups\/tracking\/tracking-\d{8}T\d{6}Z\.age\.tar$/);
    expect(statSync(awake.file ?? "").mode & 0o777).toBe(0o600);
    expect(await findInFiles(folder(), "canary of one")).toEqual([]);
    await project.must(["sleep", "tracking"]);
    for (const _ of [1, 2, 3]) await backUp();
    expect(list()).toHaveLength(3);
    expect(existsSync(awake.file ?? "")).toBe(false);
    const { backup } = (await project.workload("tracking")) as WorkloadStatus;
    expect(backup).toMatchObject({
      last_file: join(folder(), list().at(-1) ?? ""),
      problem: null,
      phase: null,
    });
  });

  test("two at once are one, and more are logged meanwhile", async () => {
    const [one, other] = await Promise.all([backUp(), backUp(), log("two")]);
    expect(one.file).toBe(other.file);
    expect(await listRuns()).toEqual(["one canary of one", "two canary of two"]);
  });

  test("cut short, tampered with, or with another passphrase: refused, and what it holds is untouched", async () => {
    const { file } = await backUp();
    const before = await listRuns();
    const { pid } = await project.workload("tracking");
    const spoil = async (name: string, change: (path: string) => void, env: NodeJS.ProcessEnv = {}) => {
      const path = project.path(`${name}.age.tar`);
      copyFileSync(file ?? "", path);
      change(path);
      const { code, stderr } = await project.sesta(["restore", "tracking", "--from", path, "-y"], env);
      expect([name, code, stderr]).toEqual([name, 1, expect.stringContaining("tracking is not restored: ")]);
      expect(stderr).not.toContain("Traceback");
      rmSync(path, { force: true });
    };
    await spoil("cut", (path) => truncateSync(path, statSync(path).size - 30_000));
    await spoil("half", (path) => truncateSync(path, 700));
    await spoil("empty", (path) => writeFileSync(path, ""));
    await spoil("tampered", (path) => {
      const bytes = readFileSync(path);
      bytes.writeUInt8(bytes.readUInt8(bytes.length - 50_000) ^ 1, bytes.length - 50_000);
      writeFileSync(path, bytes);
    });
    await spoil("locked", () => undefined, { BACKUP_PASS: "another" });
    await spoil("gone", (path) => rmSync(path));
    expect(await project.workload("tracking")).toMatchObject({ state: "awake", pid });
    expect(await listRuns()).toEqual(before);
  });

  test("`down` takes a last one and says where; `restore` brings it back into a fresh tracker", async () => {
    const running = project.begin(["backup", "tracking"]);
    await log("three"); // that backup may not have it
    const { stdout } = await project.must(["down", "tracking", "-y"]);
    await running.ended;
    const [, file = ""] = /^ {2}backup {3}(.+)$/m.exec(stdout) ?? [];
    expect([existsSync(file), existsSync(project.path(".sesta/agent/keep/tracking"))]).toEqual([true, false]);
    await project.up();
    const { before } = await project.json<{ before: string | null }>(["restore", "tracking", "-y"]);
    expect(before).toBeNull();
    expect(await listRuns()).toEqual(["one canary of one", "two canary of two", "three canary of three"]);
  });

  test("a restore keeps what was there before as a backup, which undoes it", async () => {
    const { file: earlier } = await backUp();
    await log("four");
    const { before } = await project.json<{ before: string }>([
      "restore",
      "tracking",
      "-y",
      "--from",
      earlier ?? "",
    ]);
    expect(await listRuns()).toHaveLength(3);
    await project.must(["restore", "tracking", "-y", "--from", before]);
    expect(await listRuns()).toHaveLength(4);
  });

  test("`down` refuses where no backup can be made; --discard-data needs the name", async () => {
    rmSync(folder(), { recursive: true });
    writeFileSync(folder(), "a file is in the way");
    const refused = await project.sesta(["down", "-y"]);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("Nothing was taken away")]);
    expect(refused.stderr).toContain("`sesta down tracking --discard-data`");
    rmSync(folder());
    await project.up();
    expect(await listRuns()).toHaveLength(4);
    expect((await project.sesta(["down", "--discard-data", "-y"])).code).toBe(2);
    expect((await project.sesta(["down", "tracking", "--discard-data"])).code).toBe(2);
    const { stdout } = await project.must(["down", "tracking", "--discard-data", "-y"]);
    expect(stdout).toContain("gone     its database and artifacts");
    expect(list()).toEqual([]);
  });
});
