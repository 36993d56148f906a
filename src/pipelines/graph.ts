// Which stages of a pipeline run, in which order, and whose results may be taken instead.
import { SestaError } from "../base/errors.ts";
import type { PipelineSection, StageSection } from "../model/pipeline.ts";

export type Selection = { only?: string | undefined; from?: string | undefined; anew: boolean };

/** `reuse`: an earlier result or nothing. `anew`: never an earlier result. `run`: whichever there is. */
export type Chosen = { stage: StageSection; mode: "run" | "anew" | "reuse" };

/**
 * In an order in which every stage comes after those that it needs.
 * @throws SestaError UNKNOWN_STAGE
 */
export function selectStages(pipeline: PipelineSection, { only, from, anew }: Selection): Chosen[] {
  const byDefault = anew ? "anew" : "run";
  const modes = new Map<string, Chosen["mode"]>();
  if (only !== undefined) {
    const stage = getStage(pipeline, only);
    for (const name of listNeeded(pipeline, stage)) modes.set(name, "reuse");
    modes.set(stage.name, byDefault);
  } else if (from !== undefined) {
    const first = getStage(pipeline, from);
    const begun = pipeline.stages.filter(
      (stage) => stage === first || (!stage.manual && listNeeded(pipeline, stage).includes(first.name)),
    );
    for (const stage of begun) for (const name of listNeeded(pipeline, stage)) modes.set(name, byDefault);
    for (const { name } of begun) modes.set(name, "anew");
  } else for (const { name, manual } of pipeline.stages) if (!manual) modes.set(name, byDefault);
  return sortStages(pipeline).flatMap((stage) => {
    const mode = modes.get(stage.name);
    return mode === undefined ? [] : [{ stage, mode }];
  });
}

/** Names of all stages that one needs, directly or not, each after those that it needs itself. */
export function listNeeded(pipeline: PipelineSection, { needs }: StageSection): string[] {
  const found = new Set<string>();
  const visit = (name: string) => {
    if (found.has(name)) return;
    for (const need of getStage(pipeline, name).needs) visit(need);
    found.add(name);
  };
  for (const name of needs) visit(name);
  return [...found];
}

/** As the file has them, but never before what they need. */
export function sortStages(pipeline: PipelineSection): StageSection[] {
  const sorted = new Set<StageSection>();
  for (const stage of pipeline.stages) {
    for (const name of listNeeded(pipeline, stage)) sorted.add(getStage(pipeline, name));
    sorted.add(stage);
  }
  return [...sorted];
}

export function getStage({ name: pipeline, stages }: PipelineSection, name: string): StageSection {
  const found = stages.find((stage) => stage.name === name);
  if (found) return found;
  throw new SestaError("UNKNOWN_STAGE", `Pipeline ${pipeline} has no stage "${name}"`, {
    hint: `It has ${stages.map((stage) => stage.name).join(", ")}.`,
  });
}

/** The service that a stage builds, deploys or destroys. */
export function findService({ work }: StageSection): string | undefined {
  return work.kind === "run" ? undefined : work.service;
}
