// Takes a workload away from its machine: all that `up` made, nothing that people made.
import { SestaError } from "../../base/errors.ts";
import { listGoing, listStaying } from "../../model/kept-data.ts";
import type { Plan, Progress, Receipt } from "../../model/plan.ts";
import { inStage, runStep } from "../step.ts";
import type { AgentHost } from "./agent-host.ts";
import { removeUnusedEnvironments } from "./environments.ts";
import { removeServiceImages } from "./images.ts";
import { listCertificate, listShared } from "./plan.ts";
import { keepFolder, logFile, placesOf, savesFolder } from "./layout.ts";

const longestMs = 60_000;

export async function destroyWorkload(host: AgentHost, plan: Plan, told: Progress): Promise<Receipt> {
  const on = inStage(told, "Destroying");
  const { state, agent, disk, title } = host;
  const { name } = plan;
  const placed = state.findWorkload(name);
  if (!placed) return { kind: "receipt", name, removed: [], remains: [] };
  const folders = await host.folders();
  const { workspace } = placesOf(folders, placed.launch);
  const isService = placed.launch.service !== undefined;
  // Whoever takes it down has backed it up, or has said that it may go.
  const { backup } = placed.launch;
  const data = backup ? [keepFolder(folders, name)] : [];
  const going = backup ? listGoing(backup) : [];

  state.saveWorkload({ ...placed, placedAt: null });
  await runStep(on, name, "sleep", async () => {
    await agent.ensure();
    await endRunning(host, name);
    await agent.call("remove", { name });
  });
  const images = isService
    ? await runStep(on, name, "images", () => removeServiceImages(host, placed.launch))
    : { removed: [], remains: [] };
  const log = logFile(folders, name);
  const environments = await runStep(on, name, "environment", async () => {
    state.deleteWorkload(name);
    await disk.remove([...data, log, `${log}.1`, ...(isService ? await listReplicaLogs(host, log) : [])]);
    return removeUnusedEnvironments(host);
  });
  const saves = savesFolder(folders, name);
  const kept = await disk.findExisting([saves]);
  return {
    kind: "receipt",
    name,
    removed: [
      `${name} on ${title}`,
      ...environments,
      isService ? `its releases and their logs` : log,
      ...(going.length > 0 ? [`its ${going.join(" and ")}`] : []),
      ...images.removed,
    ],
    remains: [
      ...listCertificate(placed.launch),
      ...(isService
        ? images.remains
        : [workspace, ...(backup ? listStaying(backup) : [keepFolder(folders, name)]), ...kept]),
      ...listShared(host, folders),
    ],
  };
}

/** Each replica has one of its own: NAME.RELEASE.SLOT.log. */
async function listReplicaLogs({ machine }: AgentHost, log: string): Promise<string[]> {
  const script = 'for path in "$1".*.log "$1".*.log.1; do [ ! -e "$path" ] || echo "$path"; done';
  const { stdout } = await machine.run(["sh", "-c", script, "sh", log.replace(/\.log$/, "")]);
  return stdout.split("\n").filter((path) => path !== "");
}

async function endRunning({ agent, clock }: AgentHost, name: string): Promise<void> {
  const began = clock.monotonic();
  for (;;) {
    const report = (await agent.call("list", {})).find((one) => one.name === name);
    if (!report || report.state === "asleep" || report.state === "failed") return;
    await agent.call("sleep", { name, why: "It is taken down.", by: "owner", shut: true });
    if (clock.monotonic() - began > longestMs) {
      throw new SestaError("START_FAILED", `${name} did not go to sleep within 60 s`, {
        hint: `Run \`sesta logs ${name}\`.`,
      });
    }
    await clock.sleep(50);
  }
}
