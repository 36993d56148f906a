// What `down --forget` would strike from the project's record, for hosts that are gone for good.
import type { Plan } from "../model/plan.ts";
import type { PlacedJob } from "../state/run-state.ts";
import { createAway } from "./away.ts";
import type { Context } from "./context.ts";
import { describeNear, planJobForget } from "./jobs/forget.ts";
import { splitPlace, type JobPlan } from "./jobs/plan.ts";
import { openHost } from "./machines.ts";
import { listExisting, listOrphans, type ProjectPlan } from "./plan.ts";

/** @param names at least one. @throws SestaError UNKNOWN_WORKLOAD; UNSUPPORTED for what is on this machine */
export async function planForget(context: Context, names: readonly string[]): Promise<ProjectPlan> {
  const { labs, jobs } = listExisting(context, names);
  const [plans, jobPlans] = await Promise.all([
    Promise.all(labs.map(({ name }) => planLabForget(context, name))),
    Promise.all(jobs.map((job) => planJob(context, job))),
  ]);
  return {
    plans,
    jobs: jobPlans,
    services: [],
    orphans: listOrphans(context),
    unmade: [],
    away: createAway("down", names),
  };
}

async function planLabForget({ targets }: Context, name: string): Promise<Plan> {
  const target = targets.of(name);
  if (!target.planForget) throw describeNear(name);
  const plan = await target.planForget(name);
  const answers = await succeeds(target.resolvePath(".", ".")); // wakes nothing
  return answers ? withAnswer(plan, target.name) : plan;
}

async function planJob(context: Context, job: PlacedJob): Promise<JobPlan> {
  const plan = planJobForget(context, job);
  const far = Object.keys(job.places)
    .map(splitPlace)
    .filter(([target]) => target !== "local");
  const answers = await Promise.all(
    far.map(([target, machine]) => succeeds(openHost(context, target, machine))),
  );
  return answers.every((one) => one) ? withAnswer(plan, far.map(([, machine]) => machine).join(", ")) : plan;
}

function withAnswer<Shown extends Pick<Plan, "name" | "warnings">>(plan: Shown, where: string): Shown {
  const warning = `${where} can be reached: \`sesta down ${plan.name}\` takes away what is there, too`;
  return { ...plan, warnings: [...plan.warnings, warning] };
}

function succeeds(asked: Promise<unknown>): Promise<boolean> {
  return asked.then(
    () => true,
    () => false,
  );
}
