// Runs the chosen stages of a pipeline: each as soon as those it needs have succeeded, as many at once as there are cores.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { redact } from "../base/redact.ts";
import { findDiskError } from "../base/disk-error.ts";
import { SestaError } from "../base/errors.ts";
import type { PipelineSection, StageRecord, StageSection } from "../model/pipeline.ts";
import { runCommandStage, type Done } from "./command-stage.ts";
import { copyTree, indexFile, indexTree } from "./committed-tree.ts";
import { findUnmeasured } from "./gate.ts";
import { findService, getStage, listNeeded, type Chosen } from "./graph.ts";
import { hasOutputs, layOutputs } from "./output-store.ts";
import type { PipelineParts } from "./ports.ts";
import { buildKey, findResult, keepResult, takeResult } from "./results.ts";
import { createSlots } from "./slots.ts";
import { runShipStage } from "./ship-stage.ts";

/**
 * @param keepGoing stages that do not need one that failed are run all the same
 * @returns in the order of `chosen`; whoever waits for an interrupted run gets the records as they are then
 */
export async function runStages(
  parts: PipelineParts,
  pipeline: PipelineSection,
  chosen: readonly Chosen[],
  keepGoing: boolean,
): Promise<StageRecord[]> {
  const records = new Map(chosen.map(({ stage }) => [stage.name, waiting(stage)]));
  const slots = createSlots(parts.parallel);
  const index = createIndex(parts);
  let failed = false;
  const tell = (record: StageRecord) => {
    records.set(record.name, record);
    if (!record.cached) parts.record([...records.values()]);
    parts.watch.end(record);
  };
  const going = new Map<string, Promise<void>>();
  for (const one of chosen) {
    const { stage } = one;
    const before = stage.needs.map((name) => going.get(name));
    const go = async () => {
      await Promise.all(before);
      const needed = listNeeded(pipeline, stage).map((name) => get(records, name));
      const record = await slots.hold(async () => {
        const unmet = needed.find(({ name, state }) => stage.needs.includes(name) && state !== "succeeded");
        if (parts.signal.aborted) return { ...waiting(stage), state: "stopped" as const };
        if (unmet)
          return skipped(stage, `${unmet.name} ${unmet.state === "failed" ? "failed" : "did not run"}`);
        if (failed && !keepGoing) return skipped(stage, "another stage failed");
        return runOne(parts, pipeline, one, needed, index);
      });
      if (record.state === "failed") failed = true;
      tell(record);
    };
    going.set(stage.name, go());
  }
  await Promise.all(going.values());
  return [...records.values()];
}

async function runOne(
  parts: PipelineParts,
  pipeline: PipelineSection,
  { stage, mode }: Chosen,
  needed: readonly StageRecord[],
  index: () => Promise<string>,
): Promise<StageRecord> {
  const { clock, folders, watch } = parts;
  const began = waiting(stage);
  const startedAt = clock.now();
  const since = clock.monotonic();
  try {
    const outputs = needed.flatMap((one) => one.outputs);
    const environment = await parts.environment(stage);
    const service = findService(stage);
    const key = buildKey(stage, {
      tree: parts.tree.tree,
      outputs,
      environment: environment?.digest ?? null,
      variables: (await parts.variables(stage)).keys,
      service: service === undefined ? null : parts.describeService(service),
    });
    const mayReuse = mode === "reuse" || (mode === "run" && stage.work.kind === "run");
    const result = mayReuse ? await findResult(folders.results, key, startedAt) : undefined;
    if (result && (await hasOutputs(folders.store, result.outputs)))
      return { ...began, ...result, state: "succeeded", cached: true, startedAt };
    if (mode === "reuse")
      return {
        ...began,
        state: "failed",
        why: "it has no result for this commit yet: run the pipeline without --only, or this stage first",
      };
    watch.begin(stage.name);
    const tree = join(folders.work, "trees", stage.name);
    const done = await work(parts, pipeline, stage, tree, needed, index, environment);
    const record: StageRecord = {
      ...began,
      ...done.result,
      state: done.why === null ? "succeeded" : "failed",
      why: done.why,
      startedAt,
      tookMs: Math.round(clock.monotonic() - since),
    };
    if (record.state === "succeeded") await keepResult(folders.results, key, takeResult(record));
    return record;
  } catch (error) {
    if (parts.signal.aborted)
      return { ...began, state: "stopped", startedAt, why: findGoingOn(stage, error) };
    const known = error instanceof SestaError ? error : findDiskError(error);
    if (!known) throw error;
    const why = [known.message, ...known.problems, ...(known.hint === undefined ? [] : [known.hint])];
    return {
      ...began,
      state: "failed",
      why: redact(why.join("\n  ")),
      startedAt,
      tookMs: Math.round(clock.monotonic() - since),
    };
  }
}

async function work(
  parts: PipelineParts,
  pipeline: PipelineSection,
  stage: StageSection,
  tree: string,
  needed: readonly StageRecord[],
  index: () => Promise<string>,
  environment: Awaited<ReturnType<PipelineParts["environment"]>>,
): Promise<Done> {
  const { machine, folders } = parts;
  const { work: what } = stage;
  try {
    if (what.kind !== "destroy") {
      await copyTree(machine, parts.tree, await index(), tree);
      for (const { outputs } of needed) await layOutputs(folders.store, tree, outputs);
    }
    if (what.kind === "run") return await runCommandStage(parts, stage, what.script, tree, environment);
    return await runShipStage(parts, stage, what, tree, {
      unmeasured:
        what.kind === "deploy" ? await findStrange(parts, pipeline, stage, what.service, needed) : null,
      figures: needed.flatMap(({ figure }) => figure ?? []),
      artefact: needed.findLast(({ artefact }) => artefact?.service === what.service)?.artefact ?? undefined,
    });
  } finally {
    await rm(tree, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** What goes on although the run was stopped: a release that its machine makes. */
function findGoingOn({ work: { kind } }: StageSection, error: unknown): string | null {
  return kind === "deploy" && error instanceof SestaError && error.hint !== undefined
    ? `${error.message}: ${error.hint}`
    : null;
}

/** Neither in the tree of the deploy nor in the image that is deployed. */
async function findStrange(
  parts: PipelineParts,
  pipeline: PipelineSection,
  stage: StageSection,
  service: string,
  needed: readonly StageRecord[],
): Promise<string | null> {
  const builder = findBuilder(pipeline, service, needed);
  const inTree = await findUnmeasured(parts, pipeline, stage, needed);
  return inTree ?? (builder ? findUnmeasured(parts, pipeline, stage, needed, builder) : null);
}

/** Of the image that is deployed; undefined where the deploy's own tree is. */
function findBuilder(
  pipeline: PipelineSection,
  service: string,
  needed: readonly StageRecord[],
): StageSection | undefined {
  const built = needed.flatMap(({ name, artefact }) =>
    artefact?.kind === "image" && artefact.service === service ? [getStage(pipeline, name)] : [],
  );
  return built.findLast(({ work: { kind } }) => kind === "build");
}

/** Made by the first stage that needs a tree: a run whose results are all there needs none. */
function createIndex({ machine, tree, folders }: PipelineParts): () => Promise<string> {
  let made: Promise<string> | undefined;
  const path = indexFile(folders.work);
  return () => (made ??= indexTree(machine, tree, path).then(() => path));
}

function get(records: ReadonlyMap<string, StageRecord>, name: string): StageRecord {
  const found = records.get(name);
  if (!found) throw new Error(`${name} is not among the chosen stages`);
  return found;
}

function skipped(stage: StageSection, why: string): StageRecord {
  return { ...waiting(stage), state: "skipped", why };
}

function waiting({ name }: StageSection): StageRecord {
  return {
    name,
    state: "waiting",
    cached: false,
    why: null,
    startedAt: null,
    tookMs: null,
    exitCode: null,
    figure: null,
    outputs: [],
    tests: null,
    artefact: null,
    release: null,
    log: null,
  };
}
