// What bringing a workload up, or taking it away, would do on its machine. Reads only.
import { createHash } from "node:crypto";
import { completeMark } from "../../machine/python-environment.ts";
import type { Launch } from "../../model/launch.ts";
import { listGoing, listStaying } from "../../model/kept-data.ts";
import type { Plan } from "../../model/plan.ts";
import type { PlacedWorkload } from "../../state/project-state.ts";
import { keepFolder, launchDigest, placesOf, savesFolder } from "./layout.ts";
import type { AgentHost, HostFolders } from "./agent-host.ts";

export async function planWorkload(host: AgentHost, name: string, wanted: Launch | undefined): Promise<Plan> {
  const placed = host.state.findWorkload(name);
  const plan = wanted ? await planPlace(host, placed, wanted) : await planDestroy(host, name, placed);
  const { name: target, price } = host;
  return { ...plan, name, target, wanted, price, basis: basisOf(placed, wanted) };
}

type Found = Pick<Plan, "action" | "steps" | "keeps" | "warnings">;

async function planPlace(
  host: AgentHost,
  placed: PlacedWorkload | undefined,
  wanted: Launch,
): Promise<Found> {
  const { folders, disk, title, own } = host;
  const { environment, workspace } = placesOf(await folders(), wanted);
  const complete = `${environment}/${completeMark}`;
  const ownPath = await own?.path();
  const existing = await disk.findExisting([
    workspace,
    complete,
    ...(ownPath === undefined ? [] : [ownPath]),
  ]);
  const make = wanted.environment && !existing.has(complete);
  const changed = placed?.digest !== launchDigest(wanted) || placed.placedAt === null;
  const steps = [
    ...(existing.has(workspace) ? [] : [`make the workspace ${workspace}`]),
    ...(make ? [`make a Python${versionOf(wanted)} environment with ${wanted.title}${extras(wanted)}`] : []),
    ...(ownPath === undefined || existing.has(ownPath) ? [] : [`install ${own?.what}, in ${ownPath}`]),
    ...(placed === undefined && wanted.save
      ? [`save its files to ${wanted.save.repo}, and bring what is there`]
      : []),
    ...(placed === undefined ? [`register ${wanted.name} with the agent of ${title}, asleep`] : []),
    ...(placed !== undefined && changed ? describeChange(placed, wanted) : []),
  ];
  const action = placed === undefined ? "create" : changed || steps.length > 0 ? "change" : "none";
  const warnings = placed === undefined && host.shared ? await findOthers(host, wanted) : [];
  return { action, steps, keeps: [], warnings };
}

async function findOthers({ agent, title }: AgentHost, { name }: Launch): Promise<string[]> {
  const reports = (await agent.findHello()) ? await agent.call("list", {}) : [];
  return reports.some((report) => report.name === name)
    ? [`${name} is up on ${title} already, by another copy of this project: it is taken over, with its files`]
    : [];
}

/** What the agent takes over while the workload runs, and what waits until it is started again. */
function describeChange({ launch, digest }: PlacedWorkload, wanted: Launch): string[] {
  const differs = (one: unknown, other: unknown) => JSON.stringify(one) !== JSON.stringify(other);
  const atOnce = [
    ...(differs(launch.idle, wanted.idle) ? ["change when it sleeps; takes effect at once"] : []),
    ...(differs(launch.save, wanted.save) ? [describeSave(wanted)] : []),
  ];
  const { save: _, ...rest } = wanted;
  const alike = { ...rest, idle: launch.idle, ...(launch.save !== undefined && { save: launch.save }) };
  if (atOnce.length > 0 && launchDigest(alike) === digest) return atOnce;
  return [
    ...atOnce,
    "take over the changed settings; what runs keeps its process and packages until it sleeps",
  ];
}

function describeSave({ save }: Launch): string {
  if (!save) return "stop saving its files; takes effect at once";
  return `save its files to ${save.repo}${save.branch === null ? "" : `, branch ${save.branch}`}; takes effect at once`;
}

function extras({ environment }: Launch): string {
  const { packages = [], requirements = [] } = environment ?? {};
  const named = packages.length > 4 ? [...packages.slice(0, 4), "…"] : packages;
  const extra = requirements.length > 0 ? [...named, "the requirements file"] : named;
  return extra.length === 0 ? "" : ` and ${extra.join(", ")}`;
}

function versionOf({ environment }: Launch): string {
  return /^[\d.]+$/.test(environment?.python ?? "") ? ` ${environment?.python}` : "";
}

async function planDestroy(
  host: AgentHost,
  name: string,
  placed: PlacedWorkload | undefined,
): Promise<Found> {
  if (!placed) return { action: "none", steps: [], keeps: [], warnings: [] };
  const folders = await host.folders();
  if (placed.launch.service) {
    const isBuilt = typeof placed.launch.service.container?.label === "string";
    return {
      action: "destroy",
      steps: [
        `end the replicas of ${name}`,
        `remove its releases, ${isBuilt ? "the images that were built for it" : "environments"} and logs`,
      ],
      keeps: [...listCertificate(placed.launch), ...listShared(host, folders), `the history of ${name}`],
      warnings: [],
    };
  }
  const saves = await host.disk.findExisting([savesFolder(folders, name)]);
  const { workspace } = placesOf(folders, placed.launch);
  const { backup } = placed.launch;
  return {
    action: "destroy",
    steps: [
      `put ${name} to sleep`,
      "take it from the agent",
      `remove its ${[...(backup ? listGoing(backup) : []), "environment"].join(", ")} and logs`,
    ],
    keeps: [
      workspace,
      ...(backup ? listStaying(backup) : [keepFolder(folders, name)]),
      ...saves,
      ...listShared(host, folders),
      `the history of ${name}`,
    ],
    warnings: [],
  };
}

/** CAs give few for a domain in a week: it is there when the service is brought up again. */
export function listCertificate({ service }: Launch): string[] {
  const { name, acme } = service?.domain ?? {};
  return acme ? [`the certificate of ${name}`] : [];
}

// Without the environment: another workload may share it, and have made it since.
export function basisOf(placed: PlacedWorkload | undefined, wanted: Launch | undefined): string {
  const found = [placed?.digest, placed?.placedAt, wanted && launchDigest(wanted)];
  return createHash("sha256").update(JSON.stringify(found)).digest("hex");
}

/** What Sesta brought there for itself: other projects may use it. */
export function listShared({ own }: AgentHost, { cache }: HostFolders): string[] {
  return own ? [cache] : [];
}
