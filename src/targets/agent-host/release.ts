// Begins a release of a service on its machine: environment, agent, and the agent does the rest.
import type { Launch } from "../../model/launch.ts";
import type { Progress } from "../../model/plan.ts";
import type { Release } from "../../model/release.ts";
import { runStep } from "../step.ts";
import type { ReleaseOrder } from "../target.ts";
import type { AgentHost } from "./agent-host.ts";
import { placesOf, toKeep } from "./layout.ts";
import { prepareLaunch, refuseFullDisk } from "./place.ts";

/** Its answer comes once the files of the release are copied there. */
const copyTimeoutMs = 600_000;

export async function releaseService(
  host: AgentHost,
  launch: Launch,
  { release, digest, why }: ReleaseOrder,
  on: Progress,
): Promise<Release> {
  const { machine, disk, state, agent, clock } = host;
  const { name, type } = launch;
  const folders = await host.folders();
  const places = { ...placesOf(folders, launch), ...host.kind };
  const kept = toKeep(launch);
  await refuseFullDisk(machine, folders.disk);
  const before = state.findWorkload(name);
  // The digest is that of what is live: whoever waits for the release writes the new one.
  const placed = { name, type, target: host.name, launch: kept, digest: before?.digest ?? digest };
  // What it was stays written until the machine has taken the new one; a first one is written as an intent.
  if (!before) state.saveWorkload({ ...placed, placedAt: null });
  for (const folder of [folders.cache, folders.sesta]) await disk.makeFolder(folder, 0o700);
  await prepareLaunch(host, launch, places.environment, on);
  const begun = await runStep(on, name, "agent", async (detail) => {
    const hello = await agent.ensure(await host.build?.());
    detail(`process ${hello.pid}`);
    return agent.call("deploy", { launch: kept, places, release, why }, copyTimeoutMs);
  });
  state.saveWorkload({ ...placed, placedAt: clock.now() });
  return begun;
}
