// A project with a tracker, driven through the real command line; its Python environment is made once for all tests.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { anyPython, buildLockedInstall, buildVenv, findUserInstall } from "../../src/commands/uv.ts";
import { completeMark } from "../../src/machine/python-environment.ts";
import { parseProject } from "../../src/project/parse.ts";
import { listTrackers } from "../../src/model/project.ts";
import { placesOf } from "../../src/targets/agent-host/layout.ts";
import { buildTrackerLaunch } from "../../src/workloads/tracker/build-launch.ts";
import { lockedRequirements } from "../../src/workloads/tracker/files.gen.ts";
import { createHash } from "node:crypto";
import { findUv, makeTestFolder, run } from "./lab-environment.ts";
import { createJobProject, type JobProject } from "./job-project.ts";
import type { Ran } from "./scratch-project.ts";

export type TrackerProject = JobProject & {
  /** Origin of the tracker. */
  url: string;
  /** Runs Python code as a program that logs to the tracker; rejects where it ends with another code than 0. */
  python(code: string, env?: NodeJS.ProcessEnv): Promise<Ran>;
  ask(path: string, init?: RequestInit): Promise<Response>;
  /** Brings the tracker up as sesta.yaml has it now, also after `down`, which has removed its environment. */
  up(env?: NodeJS.ProcessEnv): Promise<void>;
};

/** The path of an environment with MLflow, or why there is none. @param packages what is in it beside MLflow */
export function findTrackerEnvironment(packages: readonly string[] = []): { path: string } | string {
  const folder = makeTestFolder();
  const uv = findUv(folder);
  if (uv === undefined) return "uv is not on PATH and `python3 -m pip` could not install it";
  const digest = createHash("sha256")
    .update([lockedRequirements, ...packages].join("\n"))
    .digest("hex")
    .slice(0, 16);
  const path = join(folder, `tracker-${digest}`);
  if (existsSync(join(path, "complete"))) return { path };
  const fresh = `${path}.${process.pid}`;
  const lockFile = join(fresh, "lock.txt");
  const failed = run(buildVenv(uv, anyPython, fresh));
  if (failed !== undefined) return `MLflow's environment could not be made: ${failed}`;
  writeFileSync(lockFile, lockedRequirements);
  const more = findUserInstall(uv, fresh, lockFile, { packages });
  const missing = run(buildLockedInstall(uv, fresh, lockFile)) ?? (more && run(more));
  if (missing !== undefined) return `MLflow's environment could not be made: ${missing}`;
  writeFileSync(join(fresh, "complete"), "");
  rmSync(path, { recursive: true, force: true });
  renameSync(fresh, path);
  return { path };
}

/** Why tests with a real tracker cannot run here; "" when they can. */
export function findMissingTracker(packages: readonly string[] = []): string {
  const found = findTrackerEnvironment(packages);
  return typeof found === "string" ? found : "";
}

export const trackerPassword = "the-team's-pass-7731";

/** Up and asleep. @param keys lines of YAML of the tracker; @param more lines of YAML of other workloads; @param top other sections; @param secrets more of them */
export async function createTrackerProject(
  keys = "",
  more = "",
  variables: NodeJS.ProcessEnv = {},
  top = "",
  secrets = "",
): Promise<TrackerProject> {
  const indent = (text: string, by: string) => text.replaceAll(/^(?=.)/gm, by);
  const yaml =
    `name: trk\n${top}secrets:\n  pass: { env: TRACKER_PASS }\n  backup: { env: BACKUP_PASS }\n${indent(secrets, "  ")}\nworkloads:\n` +
    `  tracking:\n    type: tracker\n    password: "\${secret.pass}"\n${indent(keys, "    ")}\n${indent(more, "  ")}\n`;
  const project = await createJobProject({
    yaml,
    variables: { TRACKER_PASS: trackerPassword, BACKUP_PASS: "correct horse", ...variables },
  });
  const up = async (env: NodeJS.ProcessEnv = {}) => {
    await placeEnvironment(project.folder, await project.read("sesta.yaml"));
    await project.must(["up", "tracking", "-y"], env);
  };
  await up();
  const { url } = await project.workload("tracking");
  if (url === null) throw new Error("the tracker has no address");
  const [environment = ""] = readdirSync(project.path(".sesta/environments"));
  const program = project.path(".sesta/environments", environment, "bin/python");
  const env = {
    ...process.env,
    PYTHONDONTWRITEBYTECODE: undefined,
    MLFLOW_TRACKING_URI: url,
    MLFLOW_TRACKING_TOKEN: trackerPassword,
  };
  return {
    ...project,
    url,
    up,
    async end() {
      await project.sesta(["down", "tracking", "--discard-data", "-y"]); // also where no backup can be made
      await project.end();
    },
    python: (code, own = {}) => runPython(program, code, project.folder, { ...env, ...own }),
    ask: (path, init = {}) =>
      fetch(url + path, {
        ...init,
        headers: { authorization: `Bearer ${trackerPassword}`, ...(init.headers as Record<string, string>) },
      }),
  };
}

/** As `up` would make it: linked, so that a project costs a second instead of a minute. */
async function placeEnvironment(folder: string, yaml: string): Promise<void> {
  const [section] = listTrackers(await parseProject(Buffer.from(yaml), folder));
  if (!section) throw new Error("no tracker");
  const found = findTrackerEnvironment(section.packages);
  if (typeof found === "string") throw new Error(found);
  const folders = { project: folder, sesta: join(folder, ".sesta") };
  const { environment } = placesOf(folders, buildTrackerLaunch(section));
  if (existsSync(environment)) return;
  mkdirSync(dirname(environment), { recursive: true, mode: 0o700 });
  execFileSync("cp", ["-al", found.path, environment]);
  writeFileSync(join(environment, completeMark), environment);
}

async function runPython(program: string, code: string, cwd: string, env: NodeJS.ProcessEnv): Promise<Ran> {
  const { spawn } = await import("node:child_process");
  const child = spawn(program, ["-c", code], { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
  const status = await new Promise<number | null>((resolve) => child.once("close", resolve));
  if (status !== 0) throw new Error(`${status}: ${stdout}${stderr}`);
  return { code: 0, stdout, stderr };
}

/** Whether this machine runs PostgreSQL for root too, as a tracker needs it. */
export function canRunPostgres(): boolean {
  if (process.getuid?.() !== 0) return true;
  return spawnSync("unshare", ["--user", "--map-user=1000", "true"]).status === 0;
}
