// A project in a scratch folder, driven through the real command line; what it started is ended with it.
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sestaProgram } from "./published-form.ts";
import type { ProjectStatus, WorkloadStatus } from "../../src/model/status.ts";

export type Ran = { code: number; stdout: string; stderr: string };

export type Begun = {
  /** What it has printed so far. */
  stdout(): string;
  stderr(): string;
  kill(signal: NodeJS.Signals): void;
  ended: Promise<Ran>;
};

export type ScratchProject = {
  folder: string;
  password: string;
  /** Ends with whatever code; `env` is added. */
  sesta(argv: readonly string[], env?: NodeJS.ProcessEnv): Promise<Ran>;
  /** The same, held while it runs. */
  begin(argv: readonly string[], env?: NodeJS.ProcessEnv): Begun;
  status(): Promise<ProjectStatus>;
  workload(name: string): Promise<WorkloadStatus>;
  /** Resolves with the first status of this workload that `fits`. */
  until(name: string, fits: (status: WorkloadStatus) => boolean, timeoutMs?: number): Promise<WorkloadStatus>;
  read(path: string): Promise<string>;
  end(): Promise<void>;
};

/** @param variables of every command */
export async function createScratchProject(
  yaml: string,
  variables: NodeJS.ProcessEnv = {},
): Promise<ScratchProject> {
  const folder = await mkdtemp(join(tmpdir(), "sesta-test-"));
  const password = `pw-${Math.random().toString(36).slice(2)}-canary`;
  await writeFile(join(folder, "sesta.yaml"), yaml);
  const cache = join(tmpdir(), "sesta-test-cache");
  await mkdir(cache, { recursive: true });
  const env: NodeJS.ProcessEnv = { ...process.env, TEAM_PASS: password, SESTA_CACHE: cache, ...variables };
  delete env["PYTHONDONTWRITEBYTECODE"];

  const begin = (argv: readonly string[], more: NodeJS.ProcessEnv = {}) =>
    start([process.execPath, "--disable-warning=ExperimentalWarning", sestaProgram, ...argv], folder, {
      ...env,
      ...more,
    });
  const sesta = (argv: readonly string[], more?: NodeJS.ProcessEnv) => begin(argv, more).ended;
  const status = async () => {
    const { stdout, stderr } = await sesta(["status", "--json"]);
    if (stdout === "") throw new Error(stderr);
    return JSON.parse(stdout) as ProjectStatus;
  };
  const workload = async (name: string) => {
    const found = (await status()).workloads.find((one) => one.name === name);
    if (!found) throw new Error(`no workload ${name}`);
    return found;
  };
  return {
    folder,
    password,
    sesta,
    begin,
    status,
    workload,
    async until(name, fits, timeoutMs = 60_000) {
      const end = Date.now() + timeoutMs;
      for (;;) {
        const found = await workload(name);
        if (fits(found)) return found;
        if (Date.now() > end) throw new Error(`${name} stayed ${found.state}: ${found.why}`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    },
    read: (path) => readFile(join(folder, path), "utf8"),
    async end() {
      await sesta(["down", "-y"]);
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
}

export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}

function start([program = "", ...operands]: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Begun {
  const child = spawn(program, operands, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
  return {
    stdout: () => stdout,
    stderr: () => stderr,
    kill: (signal) => void child.kill(signal),
    ended: new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => resolve({ code: code ?? 128, stdout, stderr }));
    }),
  };
}
