// What a run of a pipeline is given, out of the project's context.
import { availableParallelism } from "node:os";
import type { PipelineRun, Validation } from "../../model/pipeline.ts";
import type { CommittedTree } from "../../pipelines/committed-tree.ts";
import type { PipelineParts, PipelineWatch } from "../../pipelines/ports.ts";
import type { Context } from "../context.ts";
import { listNeverShipped } from "../services/sources.ts";
import { createEnvironments } from "./environments.ts";
import { logFolder, pipelineFolders } from "./folders.ts";
import { findPushTargets } from "./registries.ts";
import { digestForService } from "./tree-digest.ts";
import { buildStageEnv } from "./variables.ts";

type Bound = {
  run: PipelineRun;
  tree: CommittedTree;
  variables: PipelineParts["variables"];
  watch: PipelineWatch;
  ship: PipelineParts["ship"];
};

/** `hasBegun`: whether any stage's work was done rather than its result taken. */
export function bindParts(
  context: Context,
  { run, tree, variables, watch, ship }: Bound,
): PipelineParts & { hasBegun(): boolean } {
  const { world, project, machine, state, folder } = context;
  const { clock, env, signal } = world;
  const { store, results } = pipelineFolders(folder);
  let hasBegun = false;
  return {
    machine,
    clock,
    signal,
    parallel: availableParallelism(),
    tree,
    runId: run.id,
    by: env["GITHUB_ACTOR"] ?? env["USER"] ?? env["LOGNAME"] ?? "unknown",
    folders: { store, results, logs: logFolder(folder, run.id), work: run.work },
    env: buildStageEnv(context, run.work),
    environment: createEnvironments(context, tree),
    variables,
    describeService: (name) => JSON.stringify([project.workloads[name] ?? null, listNeverShipped(context)]),
    pushTargets: (stage) => findPushTargets(context, stage),
    digestTree: (path, service) => digestForService(context, path, service),
    ship,
    watch: {
      ...watch,
      begin(stage) {
        hasBegun = true;
        watch.begin(stage);
      },
    },
    record: (stages) => state.savePipelineRun({ ...run, stages }),
    validated(service, digest, figures) {
      const validation: Validation = {
        service,
        digest,
        at: clock.now(),
        verdict: figures.every(({ passed }) => passed) ? "passed" : "failed",
        figures,
        commit: tree.commit,
        pipeline: run.pipeline,
        run: run.id,
      };
      state.saveValidation(validation);
    },
    hasBegun: () => hasBegun,
  };
}
