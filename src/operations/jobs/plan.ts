// What bringing a job up, or taking it away, would do. Reads only.
import { messageOf, SestaError } from "../../base/errors.ts";
import type { Plan } from "../../model/plan.ts";
import type { JobSection } from "../../model/project.ts";
import { isOver } from "../../model/run.ts";
import type { Context } from "../context.ts";
import { listUnknownHosts } from "../machines.ts";
import { findFolder, isUnfetched } from "./outputs-folder.ts";
import { planPreparation, type Preparation } from "./prepare.ts";
import { refreshRuns } from "./refresh.ts";

export type JobPlan = Pick<Plan, "name" | "target" | "action" | "steps" | "keeps" | "warnings" | "price"> & {
  /** Absent where it is to be taken away, or its machines could not be looked at. */
  preparation?: Preparation;
};

/** A machine that cannot be looked at is a warning; only doing it fails. */
export async function planJob(context: Context, job: JobSection): Promise<JobPlan> {
  const { name, target } = job;
  const placed = context.state.listPlacedJobs().find((one) => one.name === name);
  const plan = { name, target, keeps: [], price: priceOf(target) };
  const blind = (warnings: string[], steps: string[]): JobPlan => ({
    ...plan,
    action: "change",
    steps,
    warnings,
  });
  try {
    const unknown = await listUnknownHosts(context, target, job.nodes);
    if (unknown.length > 0) {
      const steps = unknown.map((host) => `trust ${host.name}, whose key is ${host.key.fingerprint}`);
      return blind([], [...steps, "prepare it for the job, as far as that is needed"]);
    }
    const preparation = await planPreparation(context, job);
    const isMany = preparation.machines.length > 1;
    const { playbook } = preparation;
    const plays = playbook && !playbook.isDone ? [playbook.title] : [];
    const pending = preparation.machines.flatMap(({ host, pending: left }) =>
      left.map(({ title }) => (isMany ? `${host.machine.name}: ${title}` : title)),
    );
    const steps = [...plays, ...pending];
    const action =
      placed === undefined ? "create" : steps.length > 0 || placed.placedAt === null ? "change" : "none";
    return { ...plan, action, steps, warnings: [], preparation };
  } catch (error) {
    if (!(error instanceof SestaError) || error.code !== "SSH_CONNECTION") throw error;
    return blind([`${target} could not be looked at: ${messageOf(error)}`], []);
  }
}

/** What exists is taken away, whether the file still names it or not. */
export async function planJobDown(context: Context, name: string): Promise<JobPlan> {
  const placed = context.state.listPlacedJobs().find((one) => one.name === name);
  const target = placed?.target ?? "local";
  const runs = await refreshRuns(context, context.state.listRuns(name));
  const open = runs.filter(({ state }) => !isOver(state));
  const unfetched = runs.filter(isUnfetched);
  const machines = Object.keys(placed?.places ?? {}).map((key) => key.split("/")[1] ?? key);
  const fetched = runs.flatMap((run) => findFolder(context, run) ?? []);
  return {
    name,
    target,
    action: placed ? "destroy" : "none",
    steps: [
      ...open.map(({ id }) => `end the run ${id}`),
      `remove what was prepared for it, and the files of its runs, on ${machines.join(", ") || target}`,
    ],
    keeps: [
      ...new Set(fetched),
      ...unfetched.map(({ id }) => `the files of ${id}, which nobody has fetched since it ended`),
      `the record of its runs`,
    ],
    warnings: unfetched.map(
      ({ id }) => `${id} has outputs that nobody has fetched since it ended; \`sesta fetch ${id}\` first`,
    ),
    price: priceOf(target),
  };
}

function priceOf(target: string): string {
  return target === "local" ? "free, on this machine" : "free, on your own machine";
}
