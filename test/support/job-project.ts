// A project with jobs whose machine is this one, with a home of its own; driven through the real command line.
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { existsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { endAll, until } from "../faults/support/processes.ts";
import { createScratchProject, type Ran, type ScratchProject } from "./scratch-project.ts";
import { root } from "./source-files.ts";
import { packageVariables } from "./ssh-target.ts";

/** A run as `runs --json` prints it. */
export type RunJson = {
  id: string;
  state: string;
  exit_code: number | null;
  machine: string;
  commit: string | null;
  dirty: boolean | null;
  started: string | null;
  ended: string | null;
  args: string[];
  why: string | null;
  container: string | null;
  packages: string[];
  peak_memory_bytes: number | null;
  fetched: { files: number; bytes: number; into: string } | null;
  nodes: { folder: string; attempts: number; place: number | null; machine: string }[];
};

export type JobProject = ScratchProject & {
  home: string;
  path(...parts: string[]): string;
  write(path: string, text: string): void;
  /** @throws Error with what it said where it does not end with 0 */
  must(argv: readonly string[], env?: NodeJS.ProcessEnv): Promise<Ran>;
  json<T>(argv: readonly string[]): Promise<T>;
  /** Newest first. */
  runs(job?: string): Promise<RunJson[]>;
  /** The newest. */
  run(job: string): Promise<RunJson>;
  /** Resolves with the newest run once it `fits`. */
  untilRun(job: string, fits: (run: RunJson) => boolean): Promise<RunJson>;
};

/** @param example a folder of examples/ whose files it gets; @param yaml in place of the example's own */
export async function createJobProject({
  example,
  yaml,
  variables = {},
}: {
  example?: string;
  yaml?: string;
  variables?: NodeJS.ProcessEnv;
}): Promise<JobProject> {
  const home = mkdtempSync(join(tmpdir(), "sesta-home-"));
  const source = example === undefined ? undefined : join(root, "examples", example);
  const own = source === undefined ? "" : readFileSync(join(source, "sesta.yaml"), "utf8");
  const project = await createScratchProject(yaml ?? own, {
    ...packageVariables(),
    HOME: home,
    GIT_CONFIG_GLOBAL: "/dev/null",
    ...variables,
  });
  if (source !== undefined) copySources(source, project.folder);

  const path = (...parts: string[]) => join(project.folder, ...parts);
  const must = async (argv: readonly string[], env?: NodeJS.ProcessEnv) => {
    const ran = await project.sesta(argv, env);
    if (ran.code !== 0) throw new Error(`sesta ${argv.join(" ")}: ${ran.code}\n${ran.stdout}${ran.stderr}`);
    return ran;
  };
  const json = async <T>(argv: readonly string[]) =>
    JSON.parse((await must([...argv, "--json"])).stdout) as T;
  const runs = async (job?: string) =>
    (await json<{ runs: RunJson[] }>(["runs", ...(job === undefined ? [] : [job])])).runs;
  const run = async (job: string) => {
    const [newest] = await runs(job);
    if (!newest) throw new Error(`${job} has no runs`);
    return newest;
  };
  return {
    ...project,
    home,
    path,
    must,
    json,
    runs,
    run,
    write(name, text) {
      mkdirSync(dirname(path(name)), { recursive: true });
      writeFileSync(path(name), text);
    },
    async untilRun(job, fits) {
      let last: RunJson | undefined;
      return until(
        async () => {
          last = await run(job);
          return fits(last) ? last : undefined;
        },
        () => `${job} stayed ${JSON.stringify(last)}`,
      );
    },
    async end() {
      await project.end();
      await endAll(home);
      rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  };
}

/** Without what a run in the checkout left. */
function copySources(from: string, to: string): void {
  const isSource = (path: string) =>
    !/^(?:output|data|results|resultados|\.sesta|__pycache__|sesta\.yaml)/.test(basename(path));
  cpSync(from, to, { recursive: true, filter: (path) => path === from || isSource(path) });
}

/** Processes that work in this folder or below it. */
export function listWorkingIn(folder: string): { pid: number; command: string }[] {
  return readdirSync("/proc").flatMap((name) => {
    try {
      if (!/^\d+$/.test(name) || !readlinkSync(`/proc/${name}/cwd`).startsWith(folder)) return [];
      return [
        {
          pid: Number(name),
          command: readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ").trim(),
        },
      ];
    } catch {
      return [];
    }
  });
}

/** All files below a folder, relative and sorted; links are not followed. None where it is missing. */
export function listTree(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .toSorted();
}
