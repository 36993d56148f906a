// Looks at what a job's machines still need, and does it.
import type { Host } from "../../machine/host.ts";
import type { JobSection } from "../../model/project.ts";
import type { Progress } from "../../model/plan.ts";
import { formatBar } from "../../model/bar.ts";
import { waitForLock } from "../../state/lock.ts";
import type { Context } from "../context.ts";
import { openHosts } from "../machines.ts";
import type { PlaybookWatch } from "../playbook/place.ts";
import { planPlaybook, playForJob, type JobPlaybook } from "./playbook.ts";
import type { Sources } from "./folder-sources.ts";
import { findSources } from "./sources.ts";
import type { Prepared, Step } from "./step.ts";
import { buildSteps, type JobSteps } from "./steps.ts";

export type Preparation = {
  job: JobSection;
  sources: Sources;
  playbook: JobPlaybook | undefined;
  /** In the order of the nodes. */
  machines: readonly { host: Host; steps: JobSteps; pending: readonly Step[] }[];
};

/** Reads only. */
export async function planPreparation(context: Context, job: JobSection): Promise<Preparation> {
  const opening = openHosts(context, job.target, job.nodes);
  const first = opening.then(([host]) => {
    if (!host) throw new Error("a target without machines");
    return host;
  });
  const [hosts, sources] = await Promise.all([opening, findSources(context, job, first)]);
  const machines = await Promise.all(
    hosts.map(async (host) => {
      const steps = await buildSteps(context, job, host, sources);
      return { host, steps, pending: await listPending(steps.steps) };
    }),
  );
  return { job, sources, machines, playbook: await planPlaybook(context, job, hosts) };
}

/** What must be done; a step after one that must be is looked at all the same, for it may be independent. */
async function listPending(steps: readonly Step[]): Promise<Step[]> {
  const done = await Promise.all(steps.map((step) => step.check()));
  return steps.filter((_, index) => done[index] === false);
}

/**
 * Does what is pending, one command at a time on a machine, all machines at once.
 * @returns what each machine has then
 * @throws SestaError SETUP_FAILED, ENVIRONMENT, TRANSFER, with the machine's own words
 */
export async function prepare(
  context: Context,
  { job, sources, machines, playbook }: Preparation,
  on: Progress,
  watch: PlaybookWatch = quietly(job.name, on),
): Promise<Prepared[]> {
  for (const { host, steps } of machines) recordPlaces(context, job, host.machine.name, steps.prepared.made);
  if (sources.here) recordPlaces(context, { ...job, target: "local" }, "local", sources.here);
  if (playbook && !playbook.isDone) {
    const hosts = machines.map(({ host }) => host);
    await playForJob(context, job, hosts, playbook.mark, watch);
  }
  const results = await Promise.allSettled(
    machines.map((machine) => prepareMachine(context, job, sources, machine, on, machines.length > 1)),
  );
  const failed = results.find((result) => result.status === "rejected");
  if (failed) throw failed.reason;
  const prepared = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  markPlaced(context, job);
  return prepared;
}

async function prepareMachine(
  context: Context,
  job: JobSection,
  sources: Sources,
  { host, steps, pending }: Preparation["machines"][number],
  on: Progress,
  isOneOfMany: boolean,
): Promise<Prepared> {
  if (pending.length === 0) return steps.prepared;
  const { world, folder } = context;
  const workload = isOneOfMany ? `${job.name} on ${host.machine.name}` : job.name;
  const safeName = host.machine.name.replace(/[^A-Za-z0-9.-]/g, "_");
  let current = steps;
  let open = pending; // what was done when it was planned is not looked at again
  const lookAgain = async () => {
    current = await buildSteps(context, job, host, sources);
    // Which environment it will be is known once its requirements are there.
    recordPlaces(context, job, host.machine.name, current.prepared.made);
    open = await listPending(current.steps);
  };
  let waited = false;
  const lock = await waitForLock(
    `${folder}/setup-${safeName}`,
    { verb: "run", pid: world.pid, since: world.clock.now() },
    world.signal,
    (who) => {
      waited = true;
      on({ workload, step: "setup", state: "running", detail: `waiting: ${who} sets up the same machine` });
    },
  );
  try {
    if (waited) await lookAgain();
    else open = await listPending(pending); // a question may have stood for a while
    for (const { name } of steps.steps) {
      const step = open.find((one) => one.name === name);
      if (!step) continue;
      await runStep(step, workload, on);
      // What a step before another one brings decides what that one is, so that they are built anew as it goes on.
      if (name === "sources" && job.python?.requirements !== undefined) await lookAgain();
    }
    return current.prepared;
  } finally {
    lock.release();
  }
}

async function runStep(step: Step, workload: string, on: Progress): Promise<void> {
  let last: string | undefined;
  const tell = (detail: string) => {
    last = detail;
    on({ workload, step: step.name, state: "running", detail });
  };
  on({ workload, step: step.name, state: "running", detail: step.title });
  await step.run({
    detail: tell,
    bytes: (done, total) => tell(formatBar(done, total)),
  });
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
