// `sesta run JOB [-- ARGS]`: plans, sets up, starts, follows and fetches; Ctrl-C lets go of it without ending it.
import process from "node:process";
import { messageOf, SestaError } from "../../base/errors.ts";
import { errorCodes } from "../../base/error-codes.ts";
import { ensureGateway } from "../../operations/gateway.ts";
import { checkArguments, checkParameters } from "../../operations/jobs/arguments.ts";
import { getTarget } from "../../operations/machines.ts";
import { getJob } from "../../operations/jobs/find-job.ts";
import { fetchRun, type FetchResult } from "../../operations/jobs/fetch.ts";
import { followRun } from "../../operations/jobs/follow.ts";
import type { Prepared } from "../../operations/jobs/step.ts";
import { planPreparation, prepare, type Preparation } from "../../operations/jobs/prepare.ts";
import { pruneJob } from "../../operations/jobs/prune.ts";
import { refreshRun } from "../../operations/jobs/refresh.ts";
import { closeTracked } from "../../operations/tracking/close.ts";
import { openTracked, type NodePython } from "../../operations/tracking/open.ts";
import { detachRun, failRun, recordRun, startRun } from "../../operations/jobs/start.ts";
import type { Context } from "../../operations/context.ts";
import type { JobSection } from "../../model/project.ts";
import type { Machine } from "../../machine/machine.ts";
import type { Run } from "../../model/run.ts";
import { checkSecrets } from "../../project/secret.ts";
import { throwMissingSecrets } from "../print-plan.ts";
import { confirmHosts } from "../confirm-hosts.ts";
import { printPreparation } from "../print-preparation.ts";
import { createPlaybookWatch } from "../playbook-lines.ts";
import { createReporter } from "../progress.ts";
import { buildRunJson } from "../run-json.ts";
import { createRunOutput } from "../run-output.ts";
import { describeFetched, formatRuns } from "../run-table.ts";
import type { Session, Verb } from "../session.ts";

type Flags = {
  detach?: boolean | undefined;
  playbook?: string | undefined;
  inventory?: string | undefined;
};

export const run: Verb<Flags, string[]> = async (session, flags, name, ...args) => {
  const { terminal, world } = session;
  if (flags.playbook !== undefined) {
    refuseJob(name);
    return (await import("../run-playbook.ts")).runPlaybookFile(session, flags.playbook, flags.inventory);
  }
  const context = await session.open();
  const job = getJob(context, name ?? "");
  checkArguments(job, args);
  const found = await checkSecrets(context.project, world.env, listSecrets(job));
  throwMissingSecrets(context.project, found, terminal);
  await confirmHosts(session, context, job.target, job.nodes);
  const target = getTarget(context, job.target);
  if (target.type === "ssh" && target.wake) await context.targets.get(job.target).reach?.(); // it may sleep
  const preparation = await planPreparation(context, job);
  await checkParameters(preparation, args);
  const pending = preparation.machines.flatMap((machine) => machine.pending);
  const plays = preparation.playbook !== undefined && !preparation.playbook.isDone;
  if ((pending.length > 0 || plays) && !flags.json) printPreparation(preparation, terminal);
  const asks = pending.some(({ touchesSystem }) => touchesSystem) || plays;
  if (asks && !(await session.confirm("Do this?"))) return;

  const begun = await begin(session, context, preparation, args);
  if (flags.detach) {
    const known = await refreshRun(context, begun);
    detachRun(context, known.id);
    if (flags.json) return session.json(buildRunJson(known));
    terminal.out(`${known.id}\n`);
    return tellHowToComeBack(session, known);
  }
  await attend(session, context, begun);
};

function refuseJob(name: string | undefined): void {
  if (name === undefined) return;
  throw new SestaError("USAGE", "--playbook runs a playbook by itself, without a job", {
    hint: `Leave "${name}" out, or name the playbook in the job: playbook: FILE.`,
  });
}

/** Those of other workloads may be somebody else's. */
function listSecrets({ env, token }: JobSection): string[] {
  const values = Object.values(env).flatMap((value) => ("secret" in value ? [value.secret] : []));
  return token === undefined ? values : [...values, token];
}

/** Sets the machines up and starts the run on them. */
async function begin(
  session: Session,
  context: Context,
  preparation: Preparation,
  args: readonly string[],
): Promise<Run> {
  const { terminal, world } = session;
  const { run, resumed } = await recordRun(context, preparation, args);
  if (resumed) {
    terminal.err(
      `${terminal.paint("yellow", "!")} ${run.id} was begun by a command that died; this one goes on with it\n`,
    );
  }
  const reporter = createReporter(terminal, world.clock);
  try {
    const watch = createPlaybookWatch(terminal, reporter);
    const prepared = await prepare(context, preparation, reporter.step, watch, session.flags.yes);
    // Several machines begin and end together; whenever this command does not look after them, the gateway does.
    if (run.nodes.length > 1) await ensureGateway(context);
    const { job } = preparation;
    if (job.tracker !== undefined) reporter.show(`${run.id}: opens its run in ${job.tracker}`);
    const pythons = preparation.machines.map(({ host }, node) => findPython(host.machine, prepared[node]));
    const reporting = await openTracked(context, job, run, pythons);
    return await startRun(context, run, preparation, prepared, reporting);
  } catch (error) {
    if (error instanceof SestaError && !world.signal.aborted) failRun(context, run.id, error.message);
    throw error;
  } finally {
    reporter.end();
  }
}

function findPython(machine: Machine, prepared: Prepared | undefined): NodePython {
  if (!prepared || prepared.image) return null;
  const { environment } = prepared.places;
  return { machine, python: environment === null ? "python3" : `${environment}/bin/python` };
}

/** Follows a run to its end and brings its outputs home. Ends with the program's own code. */
export async function attend(session: Session, context: Context, run: Run): Promise<void> {
  const { terminal, world, flags } = session;
  const reporter = createReporter(terminal, world.clock);
  const out = flags.json ? process.stderr : process.stdout;
  const output = createRunOutput(run, { out, err: process.stderr }, reporter, terminal);
  let ended: Run;
  try {
    ended = await followRun(context, run, output);
  } catch (error) {
    output.end();
    if (!world.signal.aborted) throw error;
    return letGo(session, context, run);
  }
  output.end();
  const fetched = await bringHome(session, context, ended);
  if (world.signal.aborted) return leaveOutputs(session, ended);
  const known = context.state.findRun(run.id) ?? ended;
  await report(session, context, known);
  detachRun(context, run.id);
  session.exitCode = exitCodeOf(known);
  await pruneJob(context, run.job).catch(() => undefined); // the next run tries again
  if (flags.json) return session.json({ ...buildRunJson(known), missing: fetched?.missing ?? [] });
  terminal.err(`\n${formatRuns([known], world.clock.now(), terminal.paint)}`);
  if (fetched) terminal.err(describeFetched(fetched, terminal.paint));
}

/** Where the tracker cannot be told now, the gateway does so later. */
async function report({ terminal, world }: Session, context: Context, run: Run): Promise<void> {
  const { tracked } = run;
  if (!tracked?.isOpen) return;
  const reporter = createReporter(terminal, world.clock);
  const warn = (text: string) => terminal.err(`${terminal.paint("yellow", "!")} ${text}\n`);
  try {
    reporter.show(`${run.id}: reports to ${tracked.workload}`);
    const problem = await closeTracked(
      context,
      run,
      async (name) => (await ensureGateway(context)).doors[name],
    );
    reporter.end();
    if (problem !== undefined) warn(`not all of it is in ${tracked.workload}: ${problem}`);
  } catch (error) {
    reporter.end();
    if (!world.signal.aborted) warn(`${tracked.workload} is told later how it ended: ${messageOf(error)}`);
  } finally {
    reporter.end();
  }
}

async function bringHome(session: Session, context: Context, run: Run): Promise<FetchResult | undefined> {
  const { terminal, world } = session;
  const reporter = createReporter(terminal, world.clock);
  try {
    return await fetchRun(context, run, (done, total) => reporter.bytes(`${run.id}: fetch`, done, total));
  } catch (error) {
    if (!(error instanceof SestaError)) throw error;
    reporter.end();
    if (world.signal.aborted) return undefined;
    terminal.err(
      `${terminal.paint("yellow", "!")} its outputs could not be fetched: ${error.message}; \`sesta fetch ${run.id}\` tries again\n`,
    );
    return undefined;
  } finally {
    reporter.end();
  }
}

/** The same command again brings them too. */
function leaveOutputs(session: Session, run: Run): void {
  session.exitCode = errorCodes.INTERRUPTED.exit;
  if (session.flags.json) return session.json(buildRunJson(run));
  session.terminal.err(
    `\n${run.id} is over; not all of its outputs are home.\n  sesta fetch ${run.id}      bring them\n`,
  );
}

function letGo(session: Session, context: Context, run: Run): void {
  detachRun(context, run.id);
  session.exitCode = errorCodes.INTERRUPTED.exit;
  if (session.flags.json) return session.json(buildRunJson(context.state.findRun(run.id) ?? run));
  session.terminal.err(`\n${run.id} goes on without this command.\n`);
  tellHowToComeBack(session, run);
}

function tellHowToComeBack({ terminal }: Session, { id, settings }: Run): void {
  const lines = [
    `sesta logs ${id} -f    follow it again`,
    ...(settings.fetch.length > 0 ? [`sesta fetch ${id}      bring its outputs home`] : []),
    `sesta stop ${id}       end it`,
  ];
  terminal.err(lines.map((line) => `  ${line}\n`).join(""));
}

/** The program's own code where it ran. */
function exitCodeOf({ state, exitCode }: Run): number {
  if (state === "succeeded") return 0;
  return exitCode === null || exitCode === 0 ? 1 : exitCode;
}
