// Takes a workload away from this machine: all that `up` made, nothing that people made.
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { SestaError } from "../../base/errors.ts";
import type { Plan, Progress, Receipt } from "../../model/plan.ts";
import { runStep } from "../step.ts";
import type { Local } from "./context.ts";
import { removeUnusedEnvironments } from "./environments.ts";
import { agentHome, keepFolder, placesOf, savesFolder } from "./layout.ts";

const longestMs = 60_000;

export async function destroyLocal(local: Local, plan: Plan, on: Progress): Promise<Receipt> {
  const { state, agent, folders } = local;
  const { name } = plan;
  const placed = state.findWorkload(name);
  if (!placed) return { kind: "receipt", name, removed: [], remains: [] };
  const { workspace } = placesOf(folders, placed.launch);

  state.saveWorkload({ ...placed, placedAt: null });
  await runStep(on, name, "sleep", async () => {
    await agent.ensure();
    await endRunning(local, name);
    await agent.call("remove", { name });
  });
  const log = `${agentHome(folders)}/logs/${name}.log`;
  const environments = await runStep(on, name, "environment", async () => {
    state.deleteWorkload(name);
    await rm(log, { force: true });
    await rm(`${log}.1`, { force: true });
    return removeUnusedEnvironments(local);
  });
  return {
    kind: "receipt",
    name,
    removed: [`${name} on this machine`, ...environments, log],
    remains: [workspace, keepFolder(folders, name), ...[savesFolder(folders, name)].filter(existsSync)],
  };
}

async function endRunning({ agent, clock }: Local, name: string): Promise<void> {
  const began = clock.monotonic();
  for (;;) {
    const report = (await agent.call("list", {})).find((one) => one.name === name);
    if (!report || report.state === "asleep" || report.state === "failed") return;
    await agent.call("sleep", { name, why: "It is taken down.", by: "owner" });
    if (clock.monotonic() - began > longestMs) {
      throw new SestaError("START_FAILED", `${name} did not go to sleep within 60 s`, {
        hint: `Run \`sesta logs ${name}\`.`,
      });
    }
    await clock.sleep(50);
  }
}
