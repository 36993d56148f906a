// Python environments of stages: made once for what they have in them, shared by all stages and runs of the project.
import { rm, utimes } from "node:fs/promises";
import { join } from "node:path";
import { SestaError } from "../../base/errors.ts";
import { anyPython } from "../../commands/uv.ts";
import { completeMark, isComplete, makePythonEnvironment } from "../../machine/python-environment.ts";
import { strayMark } from "../../machine/start-detached.ts";
import { endStrays } from "../../machine/strays.ts";
import type { Machine } from "../../machine/machine.ts";
import type { StageSection } from "../../model/pipeline.ts";
import { findCommittedFile, type CommittedTree } from "../../pipelines/committed-tree.ts";
import type { StageEnvironment } from "../../pipelines/ports.ts";
import { waitForLock } from "../../state/lock.ts";
import { digestOf } from "../../workloads/job/digests.ts";
import { parseRequirements } from "../../workloads/lab/requirements.ts";
import type { Context } from "../context.ts";
import { pipelineFolders } from "./folders.ts";

/** Each file is read once, each environment is made once. */
export function createEnvironments(context: Context, tree: CommittedTree) {
  const files = new Map<string, Promise<string[]>>();
  const made = new Map<string, Promise<string>>();
  const readLines = (path: string) => {
    const reading = files.get(path) ?? readRequirements(context, tree, path);
    files.set(path, reading);
    return reading;
  };
  return async ({ python }: StageSection): Promise<StageEnvironment | undefined> => {
    if (!python) return undefined;
    const requirements = python.requirements === undefined ? [] : await readLines(python.requirements);
    const wanted = {
      python: python.version ?? anyPython,
      locked: "",
      packages: python.packages,
      requirements,
    };
    const digest = digestOf("python", python.packages, requirements, python.version ?? null);
    return {
      digest,
      make(detail) {
        const making = made.get(digest) ?? make(context, digest, wanted, detail);
        made.set(digest, making);
        return making;
      },
    };
  };
}

async function readRequirements(
  { machine, project }: Context,
  tree: CommittedTree,
  path: string,
): Promise<string[]> {
  const text = await findCommittedFile(machine, tree, path);
  if (text !== undefined) return parseRequirements(text, path);
  throw new SestaError("SETUP_FAILED", `The commit has no ${path}`, {
    where: project.folder,
    hint: `Commit it: git add ${path} && git commit`,
  });
}

async function make(
  { world, machine, folder }: Context,
  digest: string,
  wanted: Parameters<typeof makePythonEnvironment>[1],
  detail: (text: string) => void,
): Promise<string> {
  const { clock, cacheFolder, signal, pid } = world;
  const path = join(pipelineFolders(folder).environments, digest);
  const mark = join(path, completeMark);
  const now = clock.now() / 1000;
  const isMade = async () => {
    if (!(await isComplete(machine, path))) return false;
    return utimes(mark, now, now).then(
      () => true,
      () => false,
    );
  };
  if (await isMade()) return path;
  const holder = { verb: "pipeline run", pid, since: clock.now() };
  const lock = await waitForLock(path, holder, signal, (who) =>
    detail(`waiting: ${who} makes the same environment`),
  );
  try {
    if (await isMade()) return path;
    // A uv whose command was killed goes on by itself, and one that was killed leaves what uv does not clear.
    await endStrays(clock, path, 0);
    await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    await makePythonEnvironment(
      { machine: markCommands(machine, path), cacheFolder, signal },
      wanted,
      path,
      detail,
    );
    return path;
  } finally {
    lock.release();
  }
}

/** The same machine; what it runs is found by `mark` when this process is gone. */
function markCommands(machine: Machine, mark: string): Machine {
  return {
    ...machine,
    run: (argv, options = {}) =>
      machine.run(argv, { ...options, env: { ...options.env, [strayMark]: mark } }),
  };
}
