// What killed runs of a pipeline have left, and what nobody has used for long.
import { readdir, readFile, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { writeAtomic } from "../../base/atomic-file.ts";
import { endMarked } from "../../machine/run-marked.ts";
import { completeMark } from "../../machine/python-environment.ts";
import type { PipelineRun } from "../../model/pipeline.ts";
import type { StageResult } from "../../pipelines/results.ts";
import type { Context } from "../context.ts";
import { logFolder, pipelineFolders } from "./folders.ts";

const graceMs = 1_000;

/** Whoever holds the pipeline's lock knows that no other run of it goes on. @returns ids of what was cleared away */
export async function endLeftRuns({ state, world }: Context, pipeline: string): Promise<string[]> {
  const left = state.listPipelineRuns(pipeline).filter((run) => run.state === "running");
  for (const run of left) {
    const claims = join(run.work, "claims");
    const names = await readdir(claims).catch(() => []);
    await endMarked(
      world.clock,
      run.id,
      names.map((name) => join(claims, name)),
      graceMs,
    );
    await removeWork(run.work);
    state.savePipelineRun({
      ...run,
      state: "lost",
      why: "its command was killed",
      endedAt: world.clock.now(),
    });
  }
  return left.map(({ id }) => id);
}

/** With the folder above it where that is empty by then. */
export async function removeWork(work: string): Promise<void> {
  await rm(work, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  if ((await readdir(dirname(work)).catch(() => [work])).length === 0)
    await rm(dirname(work), { recursive: true, force: true });
}

const keptRuns = 20;
const unusedMs = 30 * 86_400_000;
const unfinishedMs = 86_400_000;

/** Runs beyond the last twenty; once a day, results and environments that nobody has used for thirty. */
export async function prunePipeline(context: Context, pipeline: string): Promise<void> {
  const { state, folder, world } = context;
  const old = state.listPipelineRuns(pipeline).slice(keptRuns);
  for (const run of old.filter((one: PipelineRun) => one.state !== "running")) {
    await rm(logFolder(folder, run.id), { recursive: true, force: true });
    state.deletePipelineRun(run.id);
  }
  const { base, results, store, environments } = pipelineFolders(folder);
  const mark = join(base, "pruned");
  const now = world.clock.now();
  if (now - (await modifiedAt(mark)) < unfinishedMs) return;
  await writeAtomic(mark, "");
  const used = new Set<string>();
  for (const name of await readdir(results).catch(() => [])) {
    const path = join(results, name);
    if (now - (await modifiedAt(path)) > unusedMs) await rm(path, { force: true });
    else if (name.endsWith(".json")) for (const sha256 of await listKept(path)) used.add(sha256);
  }
  for (const entry of await readdir(store, { recursive: true, withFileTypes: true }).catch(() => [])) {
    const path = join(entry.parentPath, entry.name);
    // What has just come may belong to a stage that is about to end.
    if (entry.isFile() && !used.has(entry.name) && now - (await modifiedAt(path)) > unfinishedMs)
      await rm(path, { force: true });
  }
  for (const name of await readdir(environments).catch(() => [])) {
    const path = join(environments, name);
    const at = await modifiedAt(join(path, completeMark));
    if (at > 0 && now - at > unusedMs) await rm(path, { recursive: true, force: true });
  }
}

async function listKept(path: string): Promise<string[]> {
  try {
    const { result } = JSON.parse(await readFile(path, "utf8")) as { result: StageResult };
    return result.outputs.map(({ sha256 }) => sha256);
  } catch {
    return []; // cut off: nothing can be taken out by it
  }
}

/** 0 where there is nothing. */
async function modifiedAt(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.mtimeMs ?? 0;
}
