// The gate of a service: what a pipeline measures before it deploys, and whether it did for exactly these files.
import type { Figure } from "../../model/release.ts";
import type { PipelineSection, StageSection, Validation } from "../../model/pipeline.ts";
import { getStage, listNeeded } from "../../pipelines/graph.ts";
import type { Context } from "../context.ts";

export type Gate = {
  pipeline: string;
  /** Names of what is measured. */
  metrics: readonly string[];
};

/** Undefined where nothing is measured before the service is deployed. */
export function findGate({ project }: Context, service: string): Gate | undefined {
  for (const pipeline of Object.values(project.pipelines)) {
    const metrics = listMetrics(pipeline, service);
    if (metrics.length > 0) return { pipeline: pipeline.name, metrics };
  }
  return undefined;
}

/** What speaks against deploying files of this digest; undefined where they passed. */
export function findGateProblem(context: Context, service: string, digest: string): string | undefined {
  const gate = findGate(context, service);
  if (!gate) return undefined;
  const found = context.state.findValidation(service, digest);
  const way = `\`sesta pipeline run ${gate.pipeline}\` measures ${gate.metrics.join(", ")} and deploys what passes`;
  if (!found) return `these files were not validated: ${way}`;
  if (found.verdict === "passed") return findSlack(context, service, found, way);
  const missed = found.figures.find(({ passed }) => !passed);
  return `these files did not pass: ${missed?.name} was ${missed?.value ?? "not there"}; ${way}`;
}

/** A model's digest does not speak of the project file, where its bounds may have been moved since. */
function findSlack({ project }: Context, service: string, { pipeline, figures }: Validation, way: string) {
  const by = project.pipelines[pipeline];
  if (!by) return `these files were validated by another pipeline: ${way}`;
  const moved = listBefore(by, service).find(
    ({ name: stage, metric }) =>
      metric &&
      !figures.some(
        (one) =>
          one.stage === stage && one.name === metric.name && one.min === metric.min && one.max === metric.max,
      ),
  );
  return moved && `${moved.metric?.name} was not held against what ${moved.name} asks for now: ${way}`;
}

/**
 * What stages make on the way to the deploy of a service and what is not among these files, each with its stage;
 * patterns are left out.
 */
export function listUnmade({ project }: Context, service: string, files: readonly string[]) {
  return Object.values(project.pipelines).flatMap((pipeline) =>
    listBefore(pipeline, service).flatMap(({ name, outputs }) =>
      outputs
        .filter((path) => !path.includes("*") && !holds(files, path))
        .map((path) => ({ path, stage: name, pipeline: pipeline.name })),
    ),
  );
}

function holds(files: readonly string[], path: string): boolean {
  const folder = `${path.replace(/\/+$/, "")}/`;
  return files.some((file) => file === path || file.startsWith(folder));
}

/** As they are kept with a release. */
export function listFigures(validation: Pick<Validation, "figures"> | undefined): Figure[] {
  return (validation?.figures ?? []).flatMap(({ name, value, min, max }) =>
    value === null ? [] : [{ name, value, ...(min !== null && { min }), ...(max !== null && { max }) }],
  );
}

function listMetrics(pipeline: PipelineSection, service: string): string[] {
  return [...new Set(listBefore(pipeline, service).flatMap(({ metric }) => metric?.name ?? []))];
}

/** The stages that a deploy of it needs. */
function listBefore(pipeline: PipelineSection, service: string): StageSection[] {
  return pipeline.stages.flatMap((stage) => {
    if (stage.work.kind !== "deploy" || stage.work.service !== service) return [];
    return listNeeded(pipeline, stage).map((name) => getStage(pipeline, name));
  });
}
