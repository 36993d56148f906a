// Takes a job away: ends what runs, removes what was prepared, keeps what was never brought home.
import { SestaError } from "../../base/errors.ts";
import { runScript, type Host } from "../../machine/host.ts";
import { foldersOf } from "../../machine/runs/submit.ts";
import type { Progress, Receipt } from "../../model/plan.ts";
import { isOver, type Run } from "../../model/run.ts";
import { formatCount } from "../../model/size.ts";
import type { PlacedJob } from "../../state/run-state.ts";
import type { Context } from "../context.ts";
import { openHost } from "../machines.ts";
import { removeImages } from "./remove-images.ts";
import { findFolder, isUnfetched } from "./outputs-folder.ts";
import { splitPlace } from "./plan.ts";
import { refreshRuns } from "./refresh.ts";
import { waitForSetup } from "./setup-lock.ts";
import { stopRun } from "./stop.ts";
import { closeLeft } from "../tracking/close-left.ts";

/** @throws SestaError when a machine does not answer: then the job stays, as something that is half away */
export async function destroyJob(context: Context, name: string, on: Progress): Promise<Receipt> {
  const { state } = context;
  const placed = state.listPlacedJobs().find((job) => job.name === name);
  if (!placed) return { kind: "receipt", name, removed: [], remains: [] };
  state.saveJob({ ...placed, placedAt: null });
  for (const run of state.listRuns(name)) {
    if (isOver(run.state)) continue;
    on({ workload: name, step: "stop", state: "running", detail: run.id });
    const { state: left } = await stopRun(context, run);
    if (!isOver(left)) {
      throw new SestaError("COMMAND_FAILED", `${run.id} did not end, so nothing of ${name} was taken away`, {
        hint: `\`sesta why ${name}\` says what it does; then \`sesta down ${name}\` again.`,
      });
    }
    on({ workload: name, step: "stop", state: "done", detail: run.id });
  }
  const untold = await closeLeft(context, name, on); // before its files go
  const locks = await Promise.all(
    Object.keys(placed.places).map((key) => waitForSetup(context, splitPlace(key)[1], name, on)),
  );
  try {
    const receipt = await clear(context, name, on);
    return { ...receipt, remains: [...receipt.remains, ...untold] };
  } finally {
    for (const lock of locks) lock.release();
  }
}

/** What it has by now: a command that set it up meanwhile may have made more. */
async function clear(context: Context, name: string, on: Progress): Promise<Receipt> {
  const { state } = context;
  const placed = state.listPlacedJobs().find((job) => job.name === name);
  if (!placed) return { kind: "receipt", name, removed: [], remains: [] };
  const runs = await refreshRuns(context, state.listRuns(name));
  const removed: string[] = [];
  const remains: string[] = [];
  for (const key of Object.keys(placed.places)) {
    const cleared = await clearMachine(context, placed, key, runs, on);
    removed.push(...cleared.removed);
    remains.push(...cleared.remains);
  }
  state.deleteJob(name);
  const outputs = new Set(runs.flatMap((run) => findFolder(context, run) ?? []));
  return { kind: "receipt", name, removed, remains: [...remains, ...outputs] };
}

/** Takes what was made for a job from one of its places. @param runs all of the job */
export async function clearMachine(
  context: Context,
  { name, places }: PlacedJob,
  key: string,
  runs: readonly Run[],
  on: Progress,
): Promise<Pick<Receipt, "removed" | "remains">> {
  const [target, machine] = splitPlace(key);
  on({ workload: name, step: "files", state: "running", detail: machine });
  const host = await openHost(context, target, machine);
  const others = context.state.listPlacedJobs().filter((job) => job.name !== name);
  const shared = new Set(others.flatMap((job) => Object.values(job.places).flat()));
  const there = runs.filter(
    (run) => run.target === target && run.nodes.some((node) => node.machine === machine),
  );
  const folders = there.filter((run) => !isUnfetched(run)).flatMap((run) => foldersOf(run, host));
  const own = (places[key] ?? []).filter((path) => !shared.has(path));
  const ran = await runScript(host, "remove.sh", [host.base, ...folders, ...own]);
  const gone = ran.stdout.split("\n").filter((path) => path !== "");
  const images = await removeImages(host, own);
  const kept = there.filter(isUnfetched).flatMap((run) => foldersOf(run, host));
  const cached = `${host.base}/cache/`;
  const used = await listPresent(
    host,
    own.filter((path) => path.startsWith(cached) && !gone.includes(path)),
  );
  on({
    workload: name,
    step: "files",
    state: "done",
    detail: `${machine}, ${formatCount(gone.length, "folder")}`,
  });
  return {
    removed: [...gone.map((path) => `${machine}: ${path}`), ...images.removed],
    remains: [
      ...images.remains,
      ...used.map((path) => `${machine}: ${path}, which a run of another project reads`),
      ...(await listTools(host)),
      ...kept.map((folder) => `${machine}: ${folder}`),
    ],
  };
}

/** What Sesta itself needs there; other projects may use it too. */
async function listTools(host: Host): Promise<string[]> {
  const found = await listPresent(
    host,
    ["bin", "locks", "cache/uv"].map((name) => `${host.base}/${name}`),
  );
  return found.map((path) => `${host.machine.name}: ${path}, which all projects share`);
}

async function listPresent({ machine }: Host, paths: readonly string[]): Promise<string[]> {
  if (paths.length === 0) return [];
  const script = 'for path; do [ ! -e "$path" ] || echo "$path"; done';
  const { stdout } = await machine.run(["sh", "-c", script, "sh", ...paths]);
  return stdout.split("\n").filter((path) => path !== "");
}
