// Brings a workload up on this machine: workspace, environment, agent; it ends asleep.
import { mkdir } from "node:fs/promises";
import { SestaError } from "../../base/errors.ts";
import { makePythonEnvironment } from "../../machine/python-environment.ts";
import type { Launch } from "../../model/launch.ts";
import { runStep } from "../step.ts";
import type { Placed, Plan, Progress } from "../../model/plan.ts";
import { launchDigest, placesOf, toKeep } from "./layout.ts";
import type { Local } from "./context.ts";

const reserveBytes = 64 * 1024 * 1024;

export async function placeLocal(local: Local, plan: Plan, launch: Launch, on: Progress): Promise<Placed> {
  const { folders, machine, state, agent, clock } = local;
  const { name, type } = launch;
  const places = placesOf(folders, launch);
  const digest = launchDigest(launch);
  const kept = toKeep(launch);
  const step = <T>(title: string, work: (detail: (text: string) => void) => Promise<T>) =>
    runStep(on, name, title, work);

  await refuseFullDisk(local);
  state.saveWorkload({
    name,
    type,
    target: local.name,
    launch: kept,
    digest,
    placedAt: state.findWorkload(name)?.placedAt ?? null,
  });
  await step("workspace", async (detail) => {
    await mkdir(places.workspace, { recursive: true });
    detail(places.workspace);
  });
  const { environment } = launch;
  if (environment) {
    await step("environment", (detail) =>
      makePythonEnvironment(
        { machine, cacheFolder: local.cacheFolder, signal: local.signal },
        environment,
        places.environment,
        detail,
      ),
    );
  }
  await step("agent", async (detail) => {
    const hello = await agent.ensure();
    await agent.call("put", { launch: kept, places });
    detail(`process ${hello.pid}`);
  });
  state.saveWorkload({ name, type, target: local.name, launch: kept, digest, placedAt: clock.now() });
  return { kind: "placed", name, unchanged: plan.action === "none" };
}

async function refuseFullDisk({ machine, folders }: Local): Promise<void> {
  const free = await machine.freeBytes(folders.project);
  if (free >= reserveBytes) return;
  throw new SestaError(
    "DISK_FULL",
    `Only ${Math.round(free / 1e6)} MB are free on the disk of ${folders.project}`,
    {
      hint: "Free some space; Sesta keeps 64 MB in reserve so that nothing saved is cut off.",
    },
  );
}
