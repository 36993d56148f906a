// Brings a workload up on its machine: workspace, environment, agent; it ends asleep.
import { SestaError } from "../../base/errors.ts";
import { createHost } from "../../machine/host.ts";
import { makePythonEnvironment } from "../../machine/python-environment.ts";
import type { Machine } from "../../machine/machine.ts";
import type { Launch } from "../../model/launch.ts";
import { inStage, runStep } from "../step.ts";
import type { Placed, Plan, Progress } from "../../model/plan.ts";
import { launchDigest, placesOf, toKeep } from "./layout.ts";
import type { AgentHost } from "./agent-host.ts";

const reserveBytes = 64 * 1024 * 1024;

export async function placeWorkload(
  host: AgentHost,
  plan: Plan,
  launch: Launch,
  on: Progress,
): Promise<Placed> {
  const { machine, disk, state, agent, clock } = host;
  const { name, type } = launch;
  const folders = await host.folders();
  const places = { ...placesOf(folders, launch), ...host.kind };
  const digest = launchDigest(launch);
  const kept = toKeep(launch);
  const configuring = inStage(on, "Configuration");

  await refuseFullDisk(machine, folders.disk);
  state.saveWorkload({
    name,
    type,
    target: host.name,
    launch: kept,
    digest,
    placedAt: state.findWorkload(name)?.placedAt ?? null,
  });
  await runStep(inStage(on, "Provisioning"), name, "workspace", async (detail) => {
    await disk.makeFolder(places.workspace);
    for (const folder of [folders.cache, folders.sesta]) await disk.makeFolder(folder, 0o700);
    detail(places.workspace);
  });
  await prepareLaunch(host, launch, places.environment, configuring);
  await runStep(configuring, name, "agent", async (detail) => {
    const hello = await agent.ensure(await host.build?.());
    await agent.call("put", { launch: kept, places });
    detail(`process ${hello.pid}`);
  });
  state.saveWorkload({ name, type, target: host.name, launch: kept, digest, placedAt: clock.now() });
  return { kind: "placed", name, unchanged: plan.action === "none" };
}

/** What a launch and the agent itself need on the machine. */
export async function prepareLaunch(
  host: AgentHost,
  { name, environment }: Launch,
  folder: string,
  on: Progress,
): Promise<void> {
  const { machine, own, signal } = host;
  const { cache } = await host.folders();
  if (environment) {
    await runStep(on, name, "environment", async (detail) => {
      const shared = host.shared ? await createHost(machine) : undefined;
      const maker = { machine, cacheFolder: cache, signal, shared };
      await makePythonEnvironment(maker, environment, folder, detail);
    });
  }
  if (own) await runStep(on, name, own.what, own.make);
}

/** @throws SestaError DISK_FULL */
export async function refuseFullDisk(machine: Machine, folder: string): Promise<void> {
  const free = await machine.freeBytes(folder);
  if (free >= reserveBytes) return;
  throw new SestaError("DISK_FULL", `Only ${Math.round(free / 1e6)} MB are free on the disk of ${folder}`, {
    hint: "Free some space; Sesta keeps 64 MB in reserve so that nothing saved is cut off.",
  });
}
