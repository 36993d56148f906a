// A stage that runs a command in its own copy of the tree: environment, command, outputs, figure, reports.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { runMarked } from "../machine/run-marked.ts";
import type { StageSection } from "../model/pipeline.ts";
import { formatDuration } from "../model/duration.ts";
import { createPatternReader, judgeMetric } from "./metric.ts";
import { keepOutputs } from "./output-store.ts";
import type { PipelineParts, StageEnvironment } from "./ports.ts";
import type { StageResult } from "./results.ts";
import { createStageLog } from "./stage-log.ts";

export type Done = {
  result: Partial<StageResult>;
  /** Why it failed, in a sentence; null when it did not. */
  why: string | null;
};

/** @param tree laid out, with what the needed stages put out */
export async function runCommandStage(
  parts: PipelineParts,
  stage: StageSection,
  script: string,
  tree: string,
  environment: StageEnvironment | undefined,
): Promise<Done> {
  const { machine, clock, folders, watch, runId, signal } = parts;
  const reader = stage.metric && createPatternReader(stage.metric);
  const log = createStageLog(
    join(folders.logs, `${stage.name}.log`),
    (text) => watch.line(stage.name, text),
    (text) => reader?.line(text),
  );
  let [exitCode, timedOut] = [0, false];
  try {
    const [bin, { values }] = await Promise.all([
      environment?.make((text) => watch.line(stage.name, text)),
      parts.variables(stage),
    ]);
    const claim = join(folders.work, "claims", stage.name);
    await mkdir(claim, { recursive: true, mode: 0o700 });
    ({ exitCode, timedOut } = await runMarked(machine, clock, {
      argv: ["/bin/sh", "-c", script],
      cwd: tree,
      env: { ...parts.env, ...buildPythonVariables(parts.env["PATH"], bin), ...values },
      mark: `${runId}/${stage.name}`,
      claim,
      timeoutMs: stage.timeoutMs,
      signal,
      onOutput: log.take,
    }));
  } finally {
    await log.close();
  }
  signal.throwIfAborted();
  const { outputs, missing } = await keepOutputs(folders.store, tree, stage.outputs);
  const judged = stage.metric && (await judgeMetric(stage.name, stage.metric, reader?.value(), tree));
  const { tests, problems } =
    stage.junit.length === 0
      ? { tests: null, problems: [] }
      : await (await import("./junit.ts")).readReports(tree, stage.junit);
  for (const problem of problems) watch.notice(`${stage.name}: ${problem}`);
  const lacking = missing.length === 0 ? null : `it did not make ${missing.join(", ")}`;
  return {
    result: { exitCode, outputs, tests, figure: judged?.figure ?? null, log: log.path },
    why:
      (timedOut ? `it took longer than ${formatDuration(stage.timeoutMs ?? 0)}` : null) ??
      (exitCode === 0 ? null : `it ended with ${exitCode}`) ??
      judged?.why ??
      lacking,
  };
}

/** As an activated environment has them; whatever would lead Python elsewhere is taken away. */
function buildPythonVariables(
  path: string | undefined,
  environment: string | undefined,
): Record<string, string | undefined> {
  const own = { PYTHONDONTWRITEBYTECODE: undefined, PYTHONUNBUFFERED: "1" };
  if (environment === undefined) return own;
  return {
    ...own,
    PATH: `${environment}/bin${path === undefined ? "" : `:${path}`}`,
    VIRTUAL_ENV: environment,
    PYTHONHOME: undefined,
    PYTHONPATH: undefined,
    CONDA_PREFIX: undefined,
  };
}
