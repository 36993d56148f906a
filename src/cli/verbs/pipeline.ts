// `sesta pipeline run`: runs the stages of a pipeline, shows them while they go on, and reports.
import { errorCodes } from "../../base/error-codes.ts";
import { SestaError } from "../../base/errors.ts";
import type { PipelineRun } from "../../model/pipeline.ts";
import { selectStages } from "../../pipelines/graph.ts";
import { getPipeline } from "../../operations/pipelines/find-pipeline.ts";
import { runPipeline } from "../../operations/pipelines/run.ts";
import { buildPipelineJson } from "../pipeline-json.ts";
import { formatOutcome } from "../pipeline-lines.ts";
import { createPipelineView } from "../pipeline-view.ts";
import type { Session, Verb } from "../session.ts";

type Flags = {
  only?: string | undefined;
  from?: string | undefined;
  noCache?: boolean | undefined;
  keepGoing?: boolean | undefined;
};

export const runPipelineVerb: Verb<Flags, [string?]> = async (session, flags, name) => {
  const { only, from, noCache = false, keepGoing = false } = flags;
  if (only !== undefined && from !== undefined)
    throw new SestaError("USAGE", "--only and --from exclude each other", { hint: "Leave one out." });
  const { terminal, world } = session;
  const context = await session.open();
  const pipeline = getPipeline(context.project, name);
  const selection = { only, from, anew: noCache };
  const chosen = selectStages(pipeline, selection);
  if (chosen.length === 0)
    throw new SestaError("USAGE", `All stages of ${pipeline.name} run by hand`, {
      hint: `Name one: sesta pipeline run ${pipeline.name} --only ${pipeline.stages[0]?.name ?? "STAGE"}`,
    });
  const destroyed = chosen.flatMap(({ stage, mode }) =>
    stage.work.kind === "destroy" && mode !== "reuse" ? [stage.work.service] : [],
  );
  if (destroyed.length > 0 && !(await session.confirm(`Take ${destroyed.join(", ")} away?`, "no"))) return;

  const names = chosen.map(({ stage }) => stage.name);
  const view = createPipelineView(terminal, world.clock, world.env["GITHUB_ACTIONS"] === "true", names);
  let run: PipelineRun;
  try {
    run = await runPipeline(context, { pipeline, keepGoing, ...selection }, view);
  } finally {
    view.close();
  }
  session.json(buildPipelineJson(run));
  if (!flags.json) terminal.out(formatOutcome(run, terminal.paint));
  if (run.state === "stopped") return tellStopped(session, run);
  if (run.state === "failed") session.exitCode = 1;
};

function tellStopped(session: Session, { pipeline }: PipelineRun): void {
  session.exitCode = errorCodes.INTERRUPTED.exit;
  session.terminal.err(
    `Stopped. \`sesta pipeline run ${pipeline}\` goes on: what had succeeded is not run again.\n`,
  );
}
