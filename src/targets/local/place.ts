// Brings a workload up on this machine: workspace, environment, agent; it ends asleep.
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { SestaError } from "../../base/errors.ts";
import { makePythonEnvironment } from "../../machine/python-environment.ts";
import type { Launch } from "../../model/launch.ts";
import type { Placed, Plan, Progress } from "../../model/plan.ts";
import { listFolders } from "./folders.ts";
import { environmentsFolder, launchDigest, placesOf, toKeep } from "./layout.ts";
import type { Local } from "./local.ts";

const reserveBytes = 64 * 1024 * 1024;

export async function placeLocal(local: Local, plan: Plan, launch: Launch, on: Progress): Promise<Placed> {
  const { folders, machine, state, agent, clock } = local;
  const { name, type } = launch;
  const places = placesOf(folders, launch);
  const digest = launchDigest(launch);
  const kept = toKeep(launch);
  const step = <T>(title: string, work: (detail: (text: string) => void) => Promise<T>) => runStep(on, name, title, work);

  await refuseFullDisk(local);
  state.saveWorkload({ name, type, target: "local", launch: kept, digest, placedAt: state.findWorkload(name)?.placedAt ?? null });
  await step("workspace", async (detail) => {
    await mkdir(places.workspace, { recursive: true });
    detail(places.workspace);
  });
  const { environment } = launch;
  if (environment) {
    await step("environment", (detail) =>
      makePythonEnvironment({ machine, cacheFolder: local.cacheFolder, signal: local.signal }, environment, places.environment, detail),
    );
  }
  await step("agent", async (detail) => {
    const hello = await agent.ensure();
    await agent.call("put", { launch: kept, places });
    detail(`process ${hello.pid}`);
  });
  state.saveWorkload({ name, type, target: "local", launch: kept, digest, placedAt: clock.now() });
  return { kind: "placed", name, unchanged: plan.action === "none" };
}

/** Removes environments that no placed workload asks for and nothing runs from. */
export async function removeUnusedEnvironments({ folders, state, agent }: Local): Promise<string[]> {
  const reports = (await agent.findHello()) ? await agent.call("list", {}) : [];
  if (reports.some((report) => report.pid !== null)) return [];
  const used = new Set(state.listWorkloads().map(({ launch }) => placesOf(folders, launch).environment));
  const unused = (await listFolders(environmentsFolder(folders)))
    .map((folder) => join(environmentsFolder(folders), folder))
    .filter((folder) => !used.has(folder));
  for (const folder of unused) await rm(folder, { recursive: true, force: true });
  return unused;
}

async function refuseFullDisk({ machine, folders }: Local): Promise<void> {
  const free = await machine.freeBytes(folders.project);
  if (free >= reserveBytes) return;
  throw new SestaError("DISK_FULL", `Only ${Math.round(free / 1e6)} MB are free on the disk of ${folders.project}`, {
    hint: "Free some space; Sesta keeps 64 MB in reserve so that nothing saved is cut off.",
  });
}

export async function runStep<T>(
  on: Progress,
  workload: string,
  title: string,
  work: (detail: (text: string) => void) => Promise<T>,
): Promise<T> {
  let last: string | undefined;
  const detail = (text: string) => {
    last = text;
    on({ workload, step: title, state: "running", detail: text });
  };
  on({ workload, step: title, state: "running" });
  const result = await work(detail);
  on({ workload, step: title, state: "done", ...(last !== undefined && { detail: last }) });
  return result;
}
