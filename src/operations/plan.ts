// What `up` and `down` would do, before anybody does it.
import { closest } from "fastest-levenshtein";
import { SestaError } from "../base/errors.ts";
import type { Launch } from "../model/launch.ts";
import type { Plan } from "../model/plan.ts";
import {
  findWorkload,
  type FrontedSection,
  type ServiceSection,
  type WorkloadSection,
} from "../model/project.ts";
import { planData } from "./backups/plan-data.ts";
import { isJob } from "./jobs/find-job.ts";
import { findGate } from "./services/gate.ts";
import { isModelMissing } from "./services/model.ts";
import { planDeploy, type DeployPlan } from "./services/plan.ts";
import { planJob, planJobDown, type JobPlan } from "./jobs/plan.ts";
import { findRepositoryProblem, requireAddress } from "./repository-problem.ts";
import { describeDebt } from "./save-words.ts";
import type { PlacedWorkload } from "../state/project-state.ts";
import { buildLaunch } from "./build-launch.ts";
import { createAway, type Away } from "./away.ts";
import type { Context } from "./context.ts";
import { listOn } from "./targets.ts";

export type ProjectPlan = {
  plans: Plan[];
  jobs: JobPlan[];
  services: DeployPlan[];
  /** Workloads that exist but are not in the file any more. */
  orphans: string[];
  /** What none of these plans is about, since its model is yet to be trained: sentences. */
  unmade: string[];
  /** What none of these plans is about, since its host is away; what does them goes on with it. */
  away: Away;
};

/**
 * @param names none means all: then what is on a host that is away is left out
 * @throws SestaError UNKNOWN_WORKLOAD
 */
export async function planUp(
  context: Context,
  names: readonly string[] = [],
  away: Away = createAway("up", names),
): Promise<ProjectPlan> {
  const chosen =
    names.length > 0
      ? names.map((name) => getSection(context, name))
      : Object.values(context.project.workloads);
  const fronted = chosen.filter((section) => section.type === "lab" || section.type === "tracker");
  const jobs = chosen.filter((section) => section.type === "job");
  const services = chosen.filter((section) => section.type === "service");
  const unmade: string[] = [];
  const [plans, jobPlans, deployPlans] = await Promise.all([
    Promise.all(fronted.map((one) => away.attempt([one], () => planFronted(context, one)))),
    Promise.all(jobs.map((job) => away.attempt([job], () => planJob(context, job)))),
    Promise.all(
      services.map((service) =>
        away.attempt([service], () =>
          planService(context, service).catch((error: unknown) => {
            if (names.length > 0 || !isModelMissing(error)) throw error;
            unmade.push(`${service.name} is left out: ${error.message}`);
            return undefined;
          }),
        ),
      ),
    ),
  ]);
  return {
    plans: present(plans),
    jobs: present(jobPlans),
    services: present(deployPlans),
    orphans: listOrphans(context),
    unmade,
    away,
  };
}

/** `up` makes a first release, and another one where its section has changed. */
async function planService(context: Context, section: ServiceSection): Promise<DeployPlan> {
  requirePlace(context, section.name);
  const plan = await planDeploy(context, section, { ships: "section" });
  const gate = findGate(context, section.name);
  if (plan.action === "none" || !gate) return plan;
  const warning = `${section.name} is shipped by its pipeline: \`sesta pipeline run ${gate.pipeline}\``;
  return { ...plan, action: "none", steps: [], warnings: [warning] };
}

function present<One>(plans: readonly (One | undefined)[]): One[] {
  return plans.filter((plan) => plan !== undefined);
}

async function planFronted(context: Context, section: FrontedSection): Promise<Plan> {
  const launch = await buildLaunch(context, section);
  const plan = await planOn(context, launch);
  if (launch.save && context.targets.get(plan.target).remote) requireAddress(launch.save.repo, plan.target);
  const problem = launch.save && (await findRepositoryProblem(launch.save.repo, context.project));
  return problem === undefined ? plan : { ...plan, warnings: [...plan.warnings, problem] };
}

async function planOn(context: Context, launch: Launch): Promise<Plan> {
  const target = requirePlace(context, launch.name);
  return context.targets.get(target).plan(launch.name, launch);
}

/** Its target. @throws SestaError TARGET_CHANGED: what is up elsewhere is never left behind there */
export function requirePlace({ targets, project, state }: Context, name: string): string {
  const wanted = findWorkload(project, name)?.target ?? "local";
  const placed = state.findWorkload(name)?.target ?? wanted;
  const moved = targets.findMoved(wanted);
  if (placed === wanted && !moved) return wanted;
  if (placed === wanted && moved) {
    const others = listOn(state, wanted).map((one) => one.name);
    throw new SestaError(
      "TARGET_CHANGED",
      `${wanted} is ${moved.now} in sesta.yaml, but ${others.join(", ")} ${others.length === 1 ? "is" : "are"} up on ${moved.before}`,
      { hint: `Run \`sesta down ${others.join(" ")}\` first; what people made stays on ${moved.before}.` },
    );
  }
  throw new SestaError("TARGET_CHANGED", `${name} is up on ${placed}; sesta.yaml wants it on ${wanted}`, {
    hint: `Run \`sesta down ${name}\`, then \`sesta up ${name}\`; its files stay on ${placed}.`,
  });
}

/**
 * What exists is taken away, whether the file still names it or not.
 * @param discards what trackers hold goes without a backup
 * @param names none means all: then what is on a host that is away is left out
 */
export async function planDown(
  context: Context,
  names: readonly string[] = [],
  away: Away = createAway("down", names),
  discards = false,
): Promise<ProjectPlan> {
  const { labs, jobs } = listExisting(context, names);
  const [plans, jobPlans] = await Promise.all([
    Promise.all(labs.map((lab) => away.attempt([lab], () => planFrontedDown(context, lab.name, discards)))),
    Promise.all(jobs.map((job) => away.attempt([job], () => planJobDown(context, job)))),
  ]);
  return {
    plans: present(plans),
    jobs: present(jobPlans),
    services: [],
    orphans: listOrphans(context),
    unmade: [],
    away,
  };
}

/** What there is to take away. @param names none means all. @throws SestaError UNKNOWN_WORKLOAD */
export function listExisting(context: Context, names: readonly string[]) {
  const isMeant = ({ name }: { name: string }) => names.length === 0 || names.includes(name);
  const [labs, jobs] = [context.state.listWorkloads(), context.state.listPlacedJobs()];
  for (const name of names)
    if (![...labs, ...jobs].some((one) => one.name === name)) getSection(context, name);
  return { labs: labs.filter(isMeant), jobs: jobs.filter(isMeant) };
}

export function listOrphans({ project, state }: Context): string[] {
  return [...state.listWorkloads(), ...state.listPlacedJobs()]
    .map(({ name }) => name)
    .filter((name) => findWorkload(project, name) === undefined);
}

/**
 * @throws SestaError UNKNOWN_WORKLOAD with the nearest name, for one that is neither declared nor up; UNSUPPORTED for a
 * job, which neither wakes nor sleeps
 */
export function requireKnown(context: Context, name: string): void {
  if (context.state.findWorkload(name)) return;
  if (!isJob(context, name)) return void getSection(context, name);
  throw new SestaError("UNSUPPORTED", `${name} is a job: it runs to its end, and neither wakes nor sleeps`, {
    hint: `\`sesta run ${name}\` runs it, \`sesta runs ${name}\` lists its runs.`,
  });
}

/** @throws SestaError UNKNOWN_WORKLOAD, NOT_UP */
export function requireUp(context: Context, name: string): PlacedWorkload {
  requireKnown(context, name);
  const placed = context.state.findWorkload(name);
  if (placed?.placedAt) return placed;
  throw new SestaError("NOT_UP", `${name} is not up`, { hint: `Run \`sesta up ${name}\`.` });
}

/** Why not everything of a workload is at its repository, asked now; undefined when it is, or nothing is saved. */
export async function findDebt({ state, targets }: Context, name: string): Promise<string | undefined> {
  if (!state.findWorkload(name)?.launch.save) return undefined;
  return targets
    .of(name)
    .status(name)
    .then(
      ({ save }) => (save ? describeDebt(save) : undefined),
      () => "the agent does not answer, so it is not known whether everything is saved",
    );
}

/** What the repository does not hold stays on its machine, which people should know before a workload goes. */
async function planFrontedDown(context: Context, name: string, discards: boolean): Promise<Plan> {
  const plan = planData(context, await context.targets.of(name).plan(name, undefined), discards);
  const debt = await findDebt(context, name);
  if (debt === undefined) return plan;
  const warning = `not everything of ${name} is at its repository: ${debt}; \`sesta save ${name}\` first`;
  return { ...plan, warnings: [...plan.warnings, warning] };
}

function getSection({ project, state }: Context, name: string): WorkloadSection {
  const section = findWorkload(project, name);
  if (section) return section;
  const names = [...Object.keys(project.workloads), ...state.listWorkloads().map((placed) => placed.name)];
  throw new SestaError("UNKNOWN_WORKLOAD", `No workload is called "${name}"`, {
    hint:
      names.length > 0
        ? `Did you mean "${closest(name, names)}"?`
        : "Add one under `workloads:` in sesta.yaml.",
  });
}
