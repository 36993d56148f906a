// `sesta logs`: what a workload or a run printed; `-f` goes on until Ctrl-C, or until the run is over.
import process from "node:process";
import { errorCodes } from "../../base/error-codes.ts";
import { partOf, type Run } from "../../model/run.ts";
import type { Context } from "../../operations/context.ts";
import { findJobRun } from "../../operations/jobs/find-job.ts";
import { followRun, streamsOf } from "../../operations/jobs/follow.ts";
import { isOnItsWay, refreshRun } from "../../operations/jobs/refresh.ts";
import { tailRun } from "../../operations/jobs/tail.ts";
import { readLogs } from "../../operations/logs.ts";
import { openHost } from "../../operations/machines.ts";
import { createReporter } from "../progress.ts";
import { createRunOutput } from "../run-output.ts";
import { formatRuns } from "../run-table.ts";
import type { Session, Verb } from "../session.ts";

type Flags = { follow?: boolean | undefined; lines: number };

export const logs: Verb<Flags, [string]> = async (session, flags, name) => {
  const context = await session.open();
  const run = findJobRun(context, name);
  if (run) return showRun(session, context, run, flags);
  const lines: string[] = [];
  for await (const text of readLogs(context, name, flags)) {
    if (!flags.json) session.terminal.out(text);
    else if (flags.follow) session.json({ name, lines: split(text) });
    else lines.push(...split(text));
  }
  if (flags.json && !flags.follow) session.json({ name, lines });
  if (flags.follow) session.exitCode = errorCodes.INTERRUPTED.exit;
};

/** Bytes as they were written; the last lines of each stream, then on request what comes. */
async function showRun(session: Session, context: Context, run: Run, flags: Flags): Promise<void> {
  const { terminal, world } = session;
  const reporter = createReporter(terminal, world.clock);
  let known = await refreshRun(context, run);
  while (flags.follow && (await isOnItsWay(known))) {
    reporter.show(`${known.id}: ${known.why ?? "starting"}`);
    await world.clock.sleep(setupLookMs, world.signal);
    known = await refreshRun(context, known);
  }
  const output = createRunOutput(known, { out: process.stdout, err: process.stderr }, reporter, terminal);
  const offsets = new Map<string, number>();
  const lines: string[] = [];
  for (const [node, { machine }] of known.nodes.entries()) {
    const host = await openHost(context, known.target, machine);
    for (const stream of streamsOf(known)) {
      const { bytes, end } = await tailRun(host, partOf(known, node), stream, flags.lines);
      offsets.set(`${node}/${stream}`, end);
      if (session.flags.json) lines.push(...split(bytes.toString("utf8")).filter((line) => line !== ""));
      else if (bytes.length > 0) await output.bytes(node, stream, bytes);
    }
  }
  if (session.flags.json) {
    reporter.end();
    return session.json({ name: known.id, lines });
  }
  if (!flags.follow) return output.end();
  try {
    const offsetOf = (node: number, stream: string) => offsets.get(`${node}/${stream}`) ?? 0;
    const ended = await followRun(context, known, output, offsetOf);
    output.end();
    terminal.err(`\n${formatRuns([ended], world.clock.now(), terminal.paint)}`);
  } catch (error) {
    output.end();
    if (!world.signal.aborted) throw error;
    session.exitCode = errorCodes.INTERRUPTED.exit;
  }
}

/** How often a run is looked at whose machine is still being set up. */
const setupLookMs = 1_000;

function split(text: string): string[] {
  return text.replace(/\n$/, "").split("\n");
}
