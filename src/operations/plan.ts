// What `up` and `down` would do, before anybody does it.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { closest } from "fastest-levenshtein";
import { SestaError } from "../base/errors.ts";
import type { Launch } from "../model/launch.ts";
import type { Plan } from "../model/plan.ts";
import { findWorkload, listLabs, type LabSection, type WorkloadSection } from "../model/project.ts";
import { resolveRepository } from "../model/repository.ts";
import { isJob } from "./jobs/find-job.ts";
import { planJob, planJobDown, type JobPlan } from "./jobs/plan.ts";
import { findRepositoryProblem, requireAddress } from "./repository-problem.ts";
import { describeDebt } from "./save-words.ts";
import type { PlacedWorkload } from "../state/project-state.ts";
import type { Target } from "../targets/target.ts";
import type { Context } from "./context.ts";
import { listOn } from "./targets.ts";

export type ProjectPlan = {
  plans: Plan[];
  jobs: JobPlan[];
  /** Workloads that exist but are not in the file any more. */
  orphans: string[];
};

/** @param names none means all. @throws SestaError UNKNOWN_WORKLOAD */
export async function planUp(context: Context, names: readonly string[] = []): Promise<ProjectPlan> {
  const chosen =
    names.length > 0
      ? names.map((name) => getSection(context, name))
      : Object.values(context.project.workloads);
  const labs = chosen.filter((section) => section.type === "lab");
  const jobs = Promise.all(
    chosen.filter((section) => section.type === "job").map((job) => planJob(context, job)),
  );
  const launches = await Promise.all(labs.map((section) => buildLaunch(context, section)));
  const plans = await Promise.all(
    launches.map(async (launch): Promise<Plan> => {
      const plan = await planOn(context, launch);
      if (launch.save && context.targets.get(plan.target).remote)
        requireAddress(launch.save.repo, plan.target);
      const problem = launch.save && (await findRepositoryProblem(launch.save.repo, context.project));
      return problem === undefined ? plan : { ...plan, warnings: [...plan.warnings, problem] };
    }),
  );
  return { plans, jobs: await jobs, orphans: listOrphans(context) };
}

/** The targets that `up` of these has to do with. @param names none means all */
export function listTargetsOf({ project, targets }: Context, names: readonly string[] = []): Target[] {
  const labs = listLabs(project).filter(({ name }) => names.length === 0 || names.includes(name));
  return [...new Set(labs.map(({ target }) => targets.get(target)))];
}

/** The targets that `down` of these has to do with. @param names none means all */
export function listPlacedTargetsOf({ state, targets }: Context, names: readonly string[] = []): Target[] {
  const placed = state.listWorkloads().filter(({ name }) => names.length === 0 || names.includes(name));
  return [...new Set(placed.map(({ target }) => targets.get(target)))];
}

/** @throws SestaError TARGET_CHANGED: what is up elsewhere is never left behind there */
async function planOn({ targets, project, state }: Context, launch: Launch): Promise<Plan> {
  const { name } = launch;
  const wanted = findWorkload(project, name)?.target ?? "local";
  const placed = state.findWorkload(name)?.target ?? wanted;
  const moved = targets.findMoved(wanted);
  if (placed === wanted && !moved) return targets.get(wanted).plan(name, launch);
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

/** What exists is taken away, whether the file still names it or not. */
export async function planDown(context: Context, names: readonly string[] = []): Promise<ProjectPlan> {
  const isMeant = (name: string) => names.length === 0 || names.includes(name);
  const placed = context.state.listWorkloads().map(({ name }) => name);
  const placedJobs = context.state.listPlacedJobs().map(({ name }) => name);
  for (const name of names) if (![...placed, ...placedJobs].includes(name)) getSection(context, name);
  const chosen = placed.filter(isMeant);
  const jobs = Promise.all(placedJobs.filter(isMeant).map((name) => planJobDown(context, name)));
  const plans = await Promise.all(chosen.map((name) => context.targets.of(name).plan(name, undefined)));
  return { plans: await warnUnsaved(context, plans), jobs: await jobs, orphans: listOrphans(context) };
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

/** What the repository does not hold stays on this machine, which people should know before a workload goes. */
async function warnUnsaved(context: Context, plans: readonly Plan[]): Promise<Plan[]> {
  return Promise.all(
    plans.map(async (plan) => {
      const debt = await findDebt(context, plan.name);
      if (debt === undefined) return plan;
      const warning = `not everything of ${plan.name} is at its repository: ${debt}; \`sesta save ${plan.name}\` first`;
      return { ...plan, warnings: [...plan.warnings, warning] };
    }),
  );
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

async function buildLaunch({ project }: Context, section: LabSection): Promise<Launch> {
  const { requirements } = section;
  const { buildLabLaunch } = await import("../workloads/lab/build-launch.ts"); // holds the lock, which is long
  const { parseRequirements } = await import("../workloads/lab/requirements.ts");
  const lines =
    requirements === undefined ? [] : parseRequirements(await read(join(project.folder, requirements)));
  return buildLabLaunch(withAbsoluteRepository(section, project.folder), lines);
}

/** Git runs elsewhere than in the project's folder. */
function withAbsoluteRepository(section: LabSection, folder: string): LabSection {
  const { save } = section;
  return save ? { ...section, save: { ...save, repo: resolveRepository(save.repo, folder) } } : section;
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new SestaError("PROJECT_UNREADABLE", `${path} cannot be read`, {
      hint: "Check `requirements:` in sesta.yaml.",
      cause,
    });
  }
}
