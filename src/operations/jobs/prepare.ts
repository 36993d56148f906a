// Looks at what a job's machines still need, and does it.
import type { Host } from "../../machine/host.ts";
import type { JobSection } from "../../model/project.ts";
import type { Progress } from "../../model/plan.ts";
import { formatBar } from "../../model/bar.ts";
import type { Context } from "../context.ts";
import { openHosts } from "../machines.ts";
import type { PlaybookWatch } from "../playbook/place.ts";
import type { JobPlaybook } from "./playbook.ts";
import type { Sources } from "./folder-sources.ts";
import { waitForSetup } from "./setup-lock.ts";
import { findSources } from "./sources.ts";
import type { Prepared, Step } from "./step.ts";
import { buildEarlySteps, buildSteps, isReadEarly, type JobSteps } from "./steps.ts";

export type Preparation = {
  job: JobSection;
  sources: Sources;
  playbook: JobPlaybook | undefined;
  /** In the order of the nodes. */
  machines: readonly { host: Host; steps: JobSteps; pending: readonly Step[] }[];
  /** On the monotonic clock. */
  lookedAtMs: number;
};

/** What was seen so long ago is looked at again before anything is done: a question may have stood for a while. */
const freshMs = 5_000;

/** Reads only. */
export async function planPreparation(context: Context, job: JobSection): Promise<Preparation> {
  const opening = openHosts(context, job.target, job.nodes).then((hosts) =>
    hosts.map((host) => ({ host, early: buildEarlySteps(context, job, host) })),
  );
  const first = opening.then(([one]) => {
    if (!one) throw new Error("a target without machines");
    return one.host;
  });
  const [hosts, sources] = await Promise.all([opening, findSources(context, job, first)]);
  const machines = await Promise.all(
    hosts.map(async ({ host, early }) => {
      const steps = await buildSteps(context, job, host, sources, early);
      return { host, steps, pending: await listPending(steps.steps) };
    }),
  );
  const playbook = await planPlaybook(
    context,
    job,
    hosts.map(({ host }) => host),
  );
  return { job, sources, machines, playbook, lookedAtMs: context.world.clock.monotonic() };
}

/** What people should know before it is done, one sentence each. */
export function listNotes({ machines }: Preparation): string[] {
  return [...new Set(machines.flatMap(({ steps }) => steps.prepared.notes))];
}

/** Few jobs have one, and reading what Ansible says takes a while to load. */
async function planPlaybook(
  context: Context,
  job: JobSection,
  hosts: readonly Host[],
): Promise<JobPlaybook | undefined> {
  if (job.playbook === undefined) return undefined;
  return (await import("./playbook.ts")).planPlaybook(context, job, hosts);
}

/** What must be done; a step after one that must be is looked at all the same, for it may be independent. */
async function listPending(steps: readonly Step[]): Promise<Step[]> {
  const done = await Promise.all(steps.map((step) => step.check()));
  return steps.filter((_, index) => done[index] === false);
}

/**
 * Does what is pending, all machines at once, one command at a time on a machine.
 * @param acceptNewKeys of machines that only the playbook's own inventory names
 * @returns what each machine has then
 * @throws SestaError SETUP_FAILED, ENVIRONMENT, TRANSFER, with the machine's own words
 */
export async function prepare(
  context: Context,
  preparation: Preparation,
  on: Progress,
  watch: PlaybookWatch = quietly(preparation.job.name, on),
  acceptNewKeys = false,
): Promise<Prepared[]> {
  const { job, sources, machines, playbook } = preparation;
  for (const { host, steps } of machines) recordPlaces(context, job, host.machine.name, steps.prepared.made);
  if (sources.here) recordPlaces(context, { ...job, target: "local" }, "local", sources.here);
  if (playbook && !playbook.isDone) {
    const hosts = machines.map(({ host }) => host);
    const { playForJob } = await import("./playbook.ts");
    await playForJob(context, job, hosts, playbook.mark, watch, acceptNewKeys);
  }
  const results = await Promise.allSettled(
    machines.map((machine) => prepareMachine(context, preparation, machine, on)),
  );
  const failed = results.find((result) => result.status === "rejected");
  if (failed) throw failed.reason;
  const prepared = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  markPlaced(context, job);
  return prepared;
}

async function prepareMachine(
  context: Context,
  { job, sources, machines, lookedAtMs }: Preparation,
  { host, steps, pending }: Preparation["machines"][number],
  on: Progress,
): Promise<Prepared> {
  if (pending.length === 0) return steps.prepared;
  const { world } = context;
  const workload = machines.length > 1 ? `${job.name} on ${host.machine.name}` : job.name;
  let current = steps;
  let open = pending;
  const lookAgain = async () => {
    current = await buildSteps(context, job, host, sources);
    // Which environment it will be is known once its requirements are there.
    recordPlaces(context, job, host.machine.name, current.prepared.made);
    open = await listPending(current.steps);
  };
  const lock = await waitForSetup(context, host.machine.name, workload, on);
  try {
    if (lock.waited || world.clock.monotonic() - lookedAtMs > freshMs) await lookAgain();
    const isPending = (name: string) => open.some((step) => step.name === name);
    if (isPending("sources") && isReadEarly(job) && sources.fetch) {
      // What the sources bring decides what the environment is, so that the other steps are built anew behind them.
      await runSteps(
        open.filter(({ name }) => name === "packages" || name === "sources"),
        workload,
        on,
        world.signal,
      );
      await lookAgain();
      for (const detail of current.prepared.notes) on({ workload, step: "python", state: "done", detail });
    }
    await runSteps(open, workload, on, world.signal);
    return current.prepared;
  } finally {
    recordPlaces(context, job, host.machine.name, current.prepared.made); // an image has its name only now
    lock.release();
  }
}

/** Each as soon as those are done that it needs. When one fails, the others are ended before the failure is told. */
async function runSteps(
  steps: readonly Step[],
  workload: string,
  on: Progress,
  signal: AbortSignal,
): Promise<void> {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const going = new Map<string, Promise<void>>();
  for (const step of steps) {
    const before = step.needs.map((name) => going.get(name));
    const done = Promise.all(before).then(() => runStep(step, workload, on, either));
    done.catch((error: unknown) => stop.abort(error));
    going.set(step.name, done);
  }
  await Promise.allSettled(going.values());
  stop.signal.throwIfAborted(); // with the first failure
}

async function runStep(step: Step, workload: string, on: Progress, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  let last: string | undefined;
  const tell = (detail: string) => {
    last = detail;
    on({ workload, step: step.name, state: "running", detail });
  };
  on({ workload, step: step.name, state: "running", detail: step.title });
  await step.run({ detail: tell, bytes: (done, total) => tell(formatBar(done, total)), signal });
  on({ workload, step: step.name, state: "done", ...(last !== undefined && { detail: last }) });
}

/** A playbook within longer work: each task as a detail of one step. */
function quietly(workload: string, on: Progress): PlaybookWatch {
  const tell = (detail: string) => on({ workload, step: "playbook", state: "running", detail });
  return {
    onEvent: (event) => ("task" in event ? tell(event.task) : undefined),
    onNotice: (text) => on({ workload, step: "playbook", state: "done", detail: text }),
    detail: tell,
  };
}

/** Written before anything is made, so that `down` finds it after a kill at any moment. */
function recordPlaces(
  { state }: Context,
  { name, target }: Pick<JobSection, "name" | "target">,
  machine: string,
  made: readonly string[],
): void {
  state.transact(() => {
    const before = state.listPlacedJobs().find((job) => job.name === name);
    const key = `${target}/${machine}`;
    const kept = (before?.places[key] ?? []).filter((path) => !made.includes(path));
    const places = { ...before?.places, [key]: [...kept, ...new Set(made)] };
    state.saveJob({ name, target: before?.target ?? target, places, placedAt: before?.placedAt ?? null });
  });
}

function markPlaced({ state, world }: Context, { name, target }: JobSection): void {
  state.transact(() => {
    const placed = state.listPlacedJobs().find((job) => job.name === name);
    if (placed) state.saveJob({ ...placed, target, placedAt: world.clock.now() });
  });
}
