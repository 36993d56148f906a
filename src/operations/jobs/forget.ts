// Strikes a job from the project's record without a word to its machines elsewhere, which may be gone for good.
import { SestaError } from "../../base/errors.ts";
import type { Progress, Receipt } from "../../model/plan.ts";
import { isOver, type Run } from "../../model/run.ts";
import type { PlacedJob } from "../../state/run-state.ts";
import type { Context } from "../context.ts";
import { closeLeft } from "../tracking/close-left.ts";
import { clearMachine } from "./destroy.ts";
import { isUnfetched } from "./outputs-folder.ts";
import { splitPlace, type JobPlan } from "./plan.ts";
import { stopRun } from "./stop.ts";

/** @throws SestaError UNSUPPORTED for one that is on this machine alone */
export function planJobForget({ state }: Context, job: PlacedJob): JobPlan {
  const { name, target, places } = job;
  const far = Object.keys(places).map(splitPlace).filter(isFar);
  if (far.length === 0) throw describeNear(name);
  const machines = far.map(([, machine]) => machine).join(", ");
  const runs = state.listRuns(name).filter((run) => run.target !== "local");
  const open = runs.filter((run) => !isOver(run.state));
  const isHere = Object.keys(places).length > far.length;
  return {
    name,
    target,
    action: "forget",
    steps: [
      `strike ${name} from this project's record; ${machines} ${far.length === 1 ? "is" : "are"} told nothing`,
      ...open.map(({ id }) => `take ${id} for lost`),
      ...(isHere ? ["remove what was prepared for it on this machine"] : []),
    ],
    keeps: [
      ...far.map(([, machine]) => `what was prepared for it, and the files of its runs, on ${machine}`),
      "the record of its runs",
    ],
    warnings: [
      ...open.map(({ id }) => `${id} may go on there`),
      ...runs
        .filter(isUnfetched)
        .map(({ id }) => `${id} has outputs that were never fetched: they stay there`),
    ],
    price: "free, on your own machine",
  };
}

export async function forgetJob(context: Context, name: string, on: Progress): Promise<Receipt> {
  const { state } = context;
  const placed = state.listPlacedJobs().find((job) => job.name === name);
  if (!placed) return { kind: "receipt", name, removed: [], remains: [] };
  state.saveJob({ ...placed, placedAt: null });
  for (const run of state.listRuns(name)) {
    if (isOver(run.state)) continue;
    if (run.target === "local") await stopRun(context, run);
    else lose(context, run);
  }
  const untold = await closeLeft(context, name, on);
  const removed = [`${name}, from this project's record`];
  const remains: string[] = [];
  for (const key of Object.keys(placed.places)) {
    const [target, machine] = splitPlace(key);
    if (isFar([target, machine])) remains.push(...listLeft(context, placed, key));
    else {
      const cleared = await clearMachine(context, placed, key, state.listRuns(name), on);
      removed.push(...cleared.removed);
      remains.push(...cleared.remains);
    }
  }
  state.deleteJob(name);
  const outputs = new Set(state.listRuns(name).flatMap((run) => run.fetched?.into ?? []));
  return { kind: "receipt", name, removed, remains: [...remains, ...outputs, ...untold] };
}

/** The refusal to forget what is at hand. */
export function describeNear(name: string): SestaError {
  return new SestaError("UNSUPPORTED", `${name} is on this machine, which cannot be gone`, {
    hint: `Run \`sesta down ${name}\`, which takes it away.`,
  });
}

function isFar([target]: [target: string, machine: string]): boolean {
  return target !== "local";
}

/** Nobody will hear of it again. */
function lose({ state, world }: Context, { id }: Run): void {
  const why = "Its machine was forgotten.";
  state.changeRun(id, (run) => ({
    ...run,
    state: "lost",
    why,
    endedAt: world.clock.now(),
    submitter: null,
    ...(run.tracked && { tracked: { ...run.tracked, ports: run.nodes.map(() => null) } }), // nothing comes from there
    nodes: run.nodes.map((node) => (isOver(node.state) ? node : { ...node, state: "lost", why })),
  }));
}

/** What was made there, as it was written down when it was made. */
function listLeft({ state }: Context, { name, places }: PlacedJob, key: string): string[] {
  const [target, machine] = splitPlace(key);
  const nodes = state.listRuns(name).flatMap((run) => (run.target === target ? run.nodes : []));
  const folders = nodes.flatMap((node) => (node.machine === machine ? (node.folder ?? []) : []));
  return [...(places[key] ?? []), ...folders].map((path) => `${machine}: ${path}`);
}
