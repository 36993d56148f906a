// A project with pipelines in a repository of its own, driven through the real command line.
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { endAll } from "../faults/support/processes.ts";
import { createScratchProject, type ScratchProject } from "./scratch-project.ts";

export type StageJson = {
  name: string;
  state: string;
  cached: boolean;
  why: string | null;
  seconds: number | null;
  exit_code: number | null;
  metric: { name: string; value: number | null; text: string | null; passed: boolean } | null;
  outputs: { path: string; sha256: string; bytes: number }[];
  log: string | null;
  tests: { tests: number; failures: number; failed: string[] } | null;
};

export type PipelineJson = {
  pipeline: string;
  id: string;
  commit: string;
  dirty: boolean;
  state: string;
  stages: StageJson[];
};

export type PipelineProject = ScratchProject & {
  cache: string;
  path(...parts: string[]): string;
  write(path: string, text: string): void;
  git(...operands: string[]): string;
  /** All that is there. */
  commit(): string;
  /** `pipeline run` with `--json`, whatever becomes of it. */
  run(
    argv?: readonly string[],
    env?: NodeJS.ProcessEnv,
  ): Promise<{ code: number; stderr: string; json: PipelineJson }>;
  /** What stages have told of themselves, by `echo … >>"$TOLD"`. */
  told(): string[];
};

/** @param files beside sesta.yaml; committed with it */
export async function createPipelineProject(
  yaml: string,
  files: Readonly<Record<string, string>> = {},
): Promise<PipelineProject> {
  const cache = mkdtempSync(join(tmpdir(), "sesta-pipeline-cache-"));
  const told = join(cache, "told");
  const project = await createScratchProject(yaml, { SESTA_CACHE: cache, TOLD: told });
  const path = (...parts: string[]) => join(project.folder, ...parts);
  const git = (...operands: string[]) => {
    const who = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.org"];
    const env = { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null" };
    return execFileSync("git", ["-C", project.folder, ...who, ...operands], { encoding: "utf8", env }).trim();
  };
  const write = (name: string, text: string) => {
    mkdirSync(dirname(path(name)), { recursive: true });
    writeFileSync(path(name), text);
  };
  const commit = () => {
    git("add", "--all");
    git("commit", "--quiet", "--allow-empty", "--message", "next");
    return git("rev-parse", "HEAD");
  };
  for (const [name, text] of Object.entries(files)) write(name, text);
  git("init", "--quiet", "--initial-branch=main");
  commit();
  return {
    ...project,
    cache,
    path,
    write,
    git,
    commit,
    async run(argv = [], env = {}) {
      const { code, stdout, stderr } = await project.sesta(["pipeline", "run", "--json", ...argv], env);
      return { code, stderr, json: JSON.parse(stdout) as PipelineJson };
    },
    told: () => (existsSync(told) ? readFileSync(told, "utf8").trim().split("\n") : []),
    async end() {
      await endAll(cache);
      rmSync(project.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
      rmSync(cache, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
}

/** Folders that stages work in, of all runs. */
export function listWork({ cache }: PipelineProject): string[] {
  const folder = join(cache, "pipelines");
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((owner) => readdirSync(join(folder, owner)));
}
