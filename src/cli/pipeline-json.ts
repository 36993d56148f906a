// A pipeline's run as the command line prints it in JSON.
import type { Figure, PipelineRun, StageRecord } from "../model/pipeline.ts";

export function buildPipelineJson(run: PipelineRun) {
  const { pipeline, id, commit, dirty, state, why, stages } = run;
  const release = stages.findLast((stage) => stage.release !== null && !stage.cached)?.release ?? null;
  return { pipeline, id, commit, dirty, state, why, stages: stages.map(buildStageJson), release };
}

function buildStageJson(stage: StageRecord) {
  const { name, state, cached, why, tookMs, exitCode, figure, outputs, log, tests, artefact } = stage;
  return {
    name,
    state,
    cached,
    why,
    seconds: tookMs === null ? null : tookMs / 1000,
    exit_code: exitCode,
    metric: figure && buildMetricJson(figure),
    outputs: outputs.map(({ path, sha256, bytes }) => ({ path, sha256, bytes })),
    log,
    tests,
    artefact: artefact && { kind: artefact.kind, digest: artefact.digest, pushed: artefact.pushed },
  };
}

/** `text` has every digit; a number of JSON may lose some on its way through a program. */
function buildMetricJson({ name, value, min, max, passed }: Figure) {
  const number = (text: string | null) => (text === null ? null : Number(text));
  return { name, value: number(value), text: value, min: number(min), max: number(max), passed };
}
