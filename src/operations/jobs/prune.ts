// Keeps a job from filling its machines: of older states of its sources, and of the files of older runs, the newest stay.
import { runScript } from "../../machine/host.ts";
import { foldersOf } from "../../machine/runs/submit.ts";
import { isOver } from "../../model/run.ts";
import type { Context } from "../context.ts";
import { openHost } from "../machines.ts";
import { isUnfetched } from "./outputs-folder.ts";
import { splitPlace } from "./plan.ts";

const keptTrees = 5;
const keptRuns = 10;

/** Logs and records stay, and so do files that nobody has fetched. */
export async function pruneJob(context: Context, name: string): Promise<void> {
  const { state } = context;
  const jobs = state.listPlacedJobs();
  const placed = jobs.find((job) => job.name === name);
  if (!placed) return;
  const shared = new Set(jobs.flatMap((job) => (job === placed ? [] : Object.values(job.places).flat())));
  const older = state
    .listRuns(name)
    .slice(keptRuns)
    .filter((run) => isOver(run.state) && !isUnfetched(run));
  for (const [key, places] of Object.entries(placed.places)) {
    const [target, machine] = splitPlace(key);
    const trees = places
      .filter((path) => path.includes("/cache/trees/") && !shared.has(path))
      .slice(0, -keptTrees);
    const ids = older.filter(
      (run) => run.target === target && run.nodes.some((node) => node.machine === machine),
    );
    if (trees.length === 0 && ids.length === 0) continue;
    const host = await openHost(context, target, machine).catch(() => undefined);
    if (!host) continue; // it is away, or nobody's any more; the next run tries again
    const files = ids.flatMap((run) => foldersOf(run, host)).map((folder) => `${folder}/work`);
    await runScript(host, "remove.sh", [host.base, ...trees, ...files]);
    state.transact(() => {
      // As it is now: another command may have set more up meanwhile.
      const now = state.listPlacedJobs().find((job) => job.name === name);
      const left = (now?.places[key] ?? []).filter((path) => !trees.includes(path));
      if (now) state.saveJob({ ...now, places: { ...now.places, [key]: left } });
    });
  }
}
