// `sesta stop`: ends a run, with all that belongs to it.
import { getRun } from "../../operations/jobs/find-job.ts";
import { stopRun } from "../../operations/jobs/stop.ts";
import { isOver } from "../../model/run.ts";
import { createReporter } from "../progress.ts";
import { buildRunJson } from "../run-json.ts";
import { describeState } from "../run-table.ts";
import type { Verb } from "../session.ts";

export const stop: Verb<object, [string]> = async (session, flags, name) => {
  const { terminal, world } = session;
  const context = await session.open();
  const run = getRun(context, name);
  const wasOver = isOver(run.state);
  const reporter = createReporter(terminal, world.clock);
  reporter.show(`${run.id}: stopping`);
  try {
    const ended = await stopRun(context, run);
    reporter.end();
    if (!isOver(ended.state)) session.exitCode = 1;
    if (flags.json) return session.json(buildRunJson(ended));
    terminal.out(`${ended.id} ${wasOver ? "had ended already: " : ""}${describeState(ended)}\n`);
    if (ended.why !== null) terminal.err(`  ${ended.why}\n`);
  } finally {
    reporter.end();
  }
};
