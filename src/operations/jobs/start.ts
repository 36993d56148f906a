// Starts a run: remembered first, then submitted to its machines, where doing it again does nothing.
import { createHash } from "node:crypto";
import { SestaError } from "../../base/errors.ts";
import { getBootId, findIdentity, isAlive } from "../../machine/identity.ts";
import { runFolder, submitRun } from "../../machine/runs/submit.ts";
import { findSecret, type JobSection } from "../../model/project.ts";
import { isOver, partOf, type Run, type RunNode } from "../../model/run.ts";
import { resolveSecret } from "../../project/secret.ts";
import { buildOrder } from "../../workloads/job/build-order.ts";
import { digestOf } from "../../workloads/job/digests.ts";
import type { Context } from "../context.ts";
import { getTarget } from "../machines.ts";
import { secretContext } from "../passwords.ts";
import type { Reporting } from "../tracking/open.ts";
import { bindProject } from "./find-project.ts";
import { findMasterAddress } from "./master-address.ts";
import type { Preparation } from "./prepare.ts";
import type { Prepared } from "./step.ts";

/** What makes two runs the same: the job as it is written, its sources, the arguments, and the machines. */
function digestRun({ job, sources, machines }: Preparation, args: readonly string[]): string {
  const names = machines.map(({ host }) => host.machine.name);
  return digestOf("run", job, sources.digest, args, names);
}

/**
 * The intent, written before anything is done on a machine. Where a command that wanted just this died on the way, its
 * run is taken up again.
 * @returns also whether it was begun by a command before this one
 */
export async function recordRun(
  context: Context,
  preparation: Preparation,
  args: readonly string[],
): Promise<{ run: Run; resumed: boolean }> {
  const { job, sources, machines } = preparation;
  const digest = digestRun(preparation, args);
  const submitter = await whoAmI(context);
  context.targets.remember(job.target);
  for (let left; (left = await findLeft(context, job.name, digest)) !== undefined;) {
    const { id, submitter: dead } = left;
    const run = context.state.changeRun(id, (known) =>
      isSame(known.submitter, dead) ? { ...known, submitter } : known,
    );
    if (isSame(run.submitter, submitter)) return { run, resumed: true }; // else another command was quicker
  }
  const run = context.state.addRun({
    job: job.name,
    target: job.target,
    createdAt: context.world.clock.now(),
    state: "starting",
    why: null,
    args,
    commit: sources.commit,
    dirty: sources.dirty,
    container: null,
    packages: [...job.packages, ...(job.python?.packages ?? [])],
    startedAt: null,
    endedAt: null,
    exitCode: null,
    peakBytes: null,
    nodes: machines.map(({ host }) => newNode(host.machine.name)),
    fetched: null,
    settings: {
      fetch: job.fetch,
      into: job.into,
      timeoutMs: job.timeoutMs,
      rendezvousMs: job.rendezvousMs,
      ...(job.stdout === undefined ? {} : { stdout: job.stdout }),
    },
    digest,
    submitter,
  });
  return { run, resumed: false };
}

/** @throws SestaError RUN_NOT_STARTED; the same command again goes on with this run */
export async function startRun(
  context: Context,
  run: Run,
  { job, machines }: Preparation,
  prepared: readonly Prepared[],
  reporting?: Reporting,
): Promise<Run> {
  const { state, world } = context;
  const env = await resolveEnv(context, job);
  const [first] = machines;
  const masterAddress = first ? await findMasterAddress(context, job, first.host) : "127.0.0.1";
  const { slots } = getTarget(context, job.target);
  state.changeRun(run.id, (known) => ({ ...known, container: prepared[0]?.image?.id ?? null }));
  await Promise.all(
    machines.map(async ({ host }, node) => {
      const there = prepared[node];
      if (!there) throw new Error("a machine that was not prepared");
      const part = partOf(run, node);
      const folder = runFolder(host, part);
      const rank = { node, nodes: machines.length, masterAddress, masterPort: portOf(run.id) };
      const bound = await bindProject(job, there.project, run.args);
      const order = buildOrder(bound.job, {
        id: run.id,
        folder,
        args: bound.args,
        rank,
        env,
        reporting: reporting?.[node],
        slots,
        environment: there.places.environment,
        image: there.image,
        data: there.data,
      });
      const known = state.changeRun(run.id, (one) =>
        isOver(one.state) ? one : withNode(one, node, { folder }),
      );
      if (known.state === "stopped") {
        throw new SestaError("RUN_NOT_STARTED", `${run.id} was stopped before it began`, {
          hint: "Run the same command again for another one.",
        });
      }
      await submitRun(host, part, order, `${there.places.prepared}/tree`, world.signal);
    }),
  );
  return state.changeRun(run.id, (known) => known);
}

/** Nobody waits for it any more: the same command again starts another. */
export function detachRun({ state }: Context, id: string): void {
  state.changeRun(id, (run) => ({ ...run, submitter: null }));
}

/** It could not be begun, and what stands in the way must be mended first. What reached a machine all the same goes on. */
export function failRun({ state, world }: Context, id: string, why: string): void {
  const endedAt = world.clock.now();
  state.changeRun(id, (run) =>
    isOver(run.state) || run.nodes.some(({ folder }) => folder !== null)
      ? run
      : {
          ...run,
          state: "failed",
          why: `It was not started: ${why}`,
          endedAt,
          submitter: null,
          nodes: run.nodes.map((node) => ({ ...node, state: "failed" })),
        },
  );
}

export function withNode(run: Run, index: number, change: Partial<RunNode>): Run {
  return { ...run, nodes: run.nodes.map((node, at) => (at === index ? { ...node, ...change } : node)) };
}

/** Not over, or over well while its command died before the outputs were home. */
async function findLeft({ state }: Context, job: string, digest: string): Promise<Run | undefined> {
  for (const run of state.listRuns(job)) {
    if (run.digest !== digest || !run.submitter) continue;
    const owes = run.state === "succeeded" && run.fetched === null && run.settings.fetch.length > 0;
    if (isOver(run.state) && !owes) continue;
    if (!(await isAlive(run.submitter))) return run;
  }
  return undefined;
}

function isSame(one: Run["submitter"], other: Run["submitter"]): boolean {
  return one?.pid === other?.pid && one?.startTime === other?.startTime && one?.bootId === other?.bootId;
}

async function whoAmI({ world }: Context): Promise<Run["submitter"]> {
  const found = await findIdentity(world.pid);
  return found ?? { pid: world.pid, startTime: "", bootId: await getBootId() };
}

function newNode(machine: string): RunNode {
  return {
    machine,
    state: "starting",
    why: null,
    folder: null,
    place: null,
    startedAt: null,
    endedAt: null,
    exitCode: null,
    peakBytes: null,
    limitBytes: null,
    attempts: 0,
  };
}

async function resolveEnv(context: Context, { env }: JobSection): Promise<Record<string, string>> {
  const values: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if ("text" in value) values[name] = value.text;
    else {
      const ref = findSecret(context.project, value.secret);
      if (ref) values[name] = await resolveSecret(value.secret, ref, secretContext(context));
    }
  }
  return values;
}

const firstPort = 20_000;
const ports = 10_000;

/** Beneath the range of outgoing connections, and rarely the same for two runs that go on at once. */
function portOf(id: string): number {
  return firstPort + (createHash("sha256").update(id).digest().readUInt32BE(0) % ports);
}
