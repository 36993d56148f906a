// What bringing a job up, or taking it away, would do. Reads only.
import type { Plan } from "../../model/plan.ts";
import type { JobSection } from "../../model/project.ts";
import { isOver } from "../../model/run.ts";
import type { PlacedJob } from "../../state/run-state.ts";
import type { Context } from "../context.ts";
import { listUnknownHosts, openHost } from "../machines.ts";
import { findFolder, isUnfetched } from "./outputs-folder.ts";
import { listNotes, planPreparation, type Preparation } from "./prepare.ts";
import { refreshRuns } from "./refresh.ts";

export type JobPlan = Pick<Plan, "name" | "target" | "action" | "steps" | "keeps" | "warnings" | "price"> & {
  /** Absent where it is to be taken away, or nobody has confirmed the keys of its machines. */
  preparation?: Preparation;
};

/** @throws SestaError SSH_CONNECTION where one of its machines cannot be looked at */
export async function planJob(context: Context, job: JobSection): Promise<JobPlan> {
  const { name, target } = job;
  const placed = context.state.listPlacedJobs().find((one) => one.name === name);
  const plan = { name, target, keeps: [], price: priceOf(target) };
  const unknown = await listUnknownHosts(context, target, job.nodes);
  if (unknown.length > 0) {
    const trust = unknown.map((host) => `trust ${host.name}, whose key is ${host.key.fingerprint}`);
    const steps = [...trust, "prepare it for the job, as far as that is needed"];
    return { ...plan, action: "change", steps, warnings: [] };
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
  return { ...plan, action, steps, warnings: listNotes(preparation), preparation };
}

/**
 * What exists is taken away, whether the file still names it or not.
 * @throws SestaError SSH_CONNECTION, UNKNOWN_TARGET where one of its machines cannot be reached
 */
export async function planJobDown(context: Context, { name, target, places }: PlacedJob): Promise<JobPlan> {
  const there = Object.keys(places).map(splitPlace);
  await Promise.all(there.map(([on, machine]) => openHost(context, on, machine)));
  const runs = await refreshRuns(context, context.state.listRuns(name));
  const open = runs.filter(({ state }) => !isOver(state));
  const unfetched = runs.filter(isUnfetched);
  const fetched = runs.flatMap((run) => findFolder(context, run) ?? []);
  return {
    name,
    target,
    action: "destroy",
    steps: [
      ...open.map(({ id }) => `end the run ${id}`),
      `remove what was prepared for it, and the files of its runs, on ${there.map(([, machine]) => machine).join(", ") || target}`,
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

/** The target and the machine that something was made on for a job. */
export function splitPlace(key: string): [target: string, machine: string] {
  const [target = "", machine = ""] = key.split("/");
  return [target, machine];
}

function priceOf(target: string): string {
  return target === "local" ? "free, on this machine" : "free, on your own machine";
}
