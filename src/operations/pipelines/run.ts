// A run of a pipeline from beginning to end: whoever else runs it is waited for, what was left is cleared away.
import { makePrivateFolder } from "../../base/atomic-file.ts";
import { endMarked } from "../../machine/run-marked.ts";
import type { PipelineRun, PipelineSection, StageRecord } from "../../model/pipeline.ts";
import { findCommittedTree } from "../../pipelines/committed-tree.ts";
import { findService, selectStages, type Selection } from "../../pipelines/graph.ts";
import type { PipelineWatch, ShipService } from "../../pipelines/ports.ts";
import { runStages } from "../../pipelines/run.ts";
import { recordValidations } from "../../pipelines/validation.ts";
import type { Context } from "../context.ts";
import { bindParts } from "./bind-parts.ts";
import { endLeftRuns, prunePipeline, removeWork } from "./clear-away.ts";
import { logFolder, pipelineFolders, workFolder } from "./folders.ts";
import { holdServices } from "./hold-services.ts";
import { createShip } from "./ship.ts";
import { createVariables } from "./variables.ts";

export type RunRequest = Selection & { pipeline: PipelineSection; keepGoing: boolean };

/**
 * The run as it ended, also when it was interrupted.
 * @param ship how services are built and deployed
 * @throws SestaError NO_COMMIT, UNKNOWN_STAGE, SECRET_MISSING: before anything has begun
 */
export async function runPipeline(
  context: Context,
  { pipeline, keepGoing, ...selection }: RunRequest,
  watch: PipelineWatch,
  ship: ShipService = createShip(context),
): Promise<PipelineRun> {
  const { world, project, machine, state, folder } = context;
  const chosen = selectStages(pipeline, selection);
  const tree = await findCommittedTree(machine, project.folder);
  if (tree.dirty) watch.notice(`uncommitted changes are left out: this runs ${tree.commit.slice(0, 8)}`);
  const variables = createVariables(context);
  for (const { stage } of chosen) await variables(stage);
  const services = chosen.flatMap(({ stage }) => findService(stage) ?? []);
  const lock = await holdServices(context, pipeline.name, services, watch.notice);
  try {
    for (const id of await endLeftRuns(context, pipeline.name))
      watch.notice(`${id} was killed: what it left has been cleared away, what it finished is used`);
    const run = state.addPipelineRun(pipeline.name, world.clock.now(), (id) => ({
      endedAt: null,
      state: "running",
      why: null,
      commit: tree.commit,
      dirty: tree.dirty,
      stages: [],
      work: workFolder(context, id),
    }));
    const { results } = pipelineFolders(folder);
    for (const path of [results, logFolder(folder, run.id), run.work]) await makePrivateFolder(path);
    const parts = bindParts(context, { run, tree, variables, watch, ship });
    try {
      const stages = await runStages(parts, pipeline, chosen, keepGoing);
      if (!world.signal.aborted) await recordValidations(parts, pipeline, stages);
      return end(context, run, stages);
    } finally {
      if (parts.hasBegun()) await endMarked(world.clock, run.id, [], 0);
      await removeWork(run.work);
      if (!world.signal.aborted) await prunePipeline(context, pipeline.name);
    }
  } finally {
    lock.release();
  }
}

function end({ state, world }: Context, run: PipelineRun, stages: readonly StageRecord[]): PipelineRun {
  const failed = stages.filter((stage) => stage.state === "failed").map(({ name }) => name);
  const isStopped = world.signal.aborted || stages.some((stage) => stage.state === "stopped");
  const ended: PipelineRun = {
    ...run,
    stages,
    state: isStopped ? "stopped" : failed.length > 0 ? "failed" : "succeeded",
    why: failed.length === 0 ? null : `${failed.join(", ")} failed`,
    endedAt: world.clock.now(),
  };
  state.savePipelineRun(ended);
  return ended;
}
