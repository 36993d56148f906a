// Strikes a workload from the project's record without a word to its machine, which may be gone for good.
import { isAbsolute, join } from "node:path/posix";
import type { Plan, Progress, Receipt } from "../../model/plan.ts";
import type { PlacedWorkload } from "../../state/project-state.ts";
import { runStep } from "../step.ts";
import type { AgentHost, HostFolders } from "./agent-host.ts";
import { basisOf } from "./plan.ts";

/** @param unseen where things are there, as far as that can be said without asking */
export function planForget(host: AgentHost, unseen: HostFolders, name: string): Plan {
  const { name: target, title, price, state } = host;
  const placed = state.findWorkload(name);
  const plan = { name, target, price, wanted: undefined, basis: basisOf(placed, undefined) };
  if (!placed) return { ...plan, action: "none", steps: [], keeps: [], warnings: [] };
  const only = placed.launch.save ? "what its repository does not hold is" : "its files are";
  return {
    ...plan,
    action: "forget",
    steps: [`strike ${name} from this project's record; ${title} is told nothing`],
    keeps: [...listLeft(host, unseen, placed), `the history of ${name}`],
    warnings: [`what runs on ${title} goes on, and ${only} there alone`],
  };
}

export async function forgetWorkload(
  host: AgentHost,
  unseen: HostFolders,
  { name }: Plan,
  on: Progress,
): Promise<Receipt> {
  const { state, clock } = host;
  const placed = state.findWorkload(name);
  if (!placed) return { kind: "receipt", name, removed: [], remains: [] };
  await runStep(on, name, "record", async () =>
    state.transact(() => {
      state.deleteWorkload(name);
      state.addChange(source, {
        seq: state.lastSeq(source) + 1,
        at: clock.now(),
        workload: name,
        from: state.listChanges(name).at(-1)?.to ?? "asleep",
        to: "absent",
        why: `It was forgotten; what is on ${host.title} stays there.`,
        by: "owner",
      });
    }),
  );
  return {
    kind: "receipt",
    name,
    removed: [`${name}, from this project's record`],
    remains: listLeft(host, unseen, placed),
  };
}

/** Of changes that no agent saw. */
const source = "project";

function listLeft(
  { title }: AgentHost,
  { project, sesta }: HostFolders,
  { launch }: PlacedWorkload,
): string[] {
  const { workspace } = launch;
  const own = ["environment", "settings", "logs", ...(launch.save ? ["saves"] : [])].join(", ");
  return [
    `${title}: ${isAbsolute(workspace) ? workspace : join(project, workspace)}`,
    `${title}: ${sesta}, with its ${own}`,
  ];
}
