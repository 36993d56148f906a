// Closes a job's run in its tracker by the job's fate, with what it printed and brought home.
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { messageOf, SestaError } from "../../base/errors.ts";
import { runFolder } from "../../machine/runs/submit.ts";
import { partOf, type Run, type RunState, type TrackedRun } from "../../model/run.ts";
import type { Context } from "../context.ts";
import { openHost } from "../machines.ts";
import { countKept, endRelay } from "./relay.ts";
import { createRunToken } from "../../model/run-token.ts";
import { createMlflow, type Mlflow, type MlflowStatus } from "./mlflow.ts";

/** More than this stays on its machine. */
const longestBytes = 1024 ** 3;

/** A connection that has just come back carries what was kept within seconds. */
const deliveryMs = 15_000;
const lookEveryMs = 500;

const statuses: Partial<Record<RunState, MlflowStatus>> = {
  succeeded: "FINISHED",
  failed: "FAILED",
  lost: "FAILED",
  stopped: "KILLED",
};

/**
 * Does nothing for what is closed already, or goes on. Attaching is tried once: the status counts.
 * @param findDoor the tracker's origin, once whoever stands in front of it has seen the state as it is now
 * @returns what could not be attached; undefined when all was
 * @throws SestaError TRACKER when the status could not be told
 */
export async function closeTracked(
  context: Context,
  run: Run,
  findDoor: (workload: string) => Promise<string | undefined>,
): Promise<string | undefined> {
  const { tracked, id } = run;
  const status = statuses[run.state];
  if (!tracked?.isOpen || status === undefined) return undefined;
  const { state, world } = context;
  await requireDelivered(context, run, tracked);
  const { token, digest } = createRunToken();
  state.saveRunToken(digest, tracked.workload, id);
  let problem: string | undefined;
  try {
    const door = await findDoor(tracked.workload);
    if (door === undefined) throw new SestaError("TRACKER", `${tracked.workload} is not up any more`);
    const mlflow = createMlflow(door, token, world.signal);
    await tell(mlflow, run, tracked);
    problem = await attach(context, mlflow, run, tracked).then(() => undefined, messageOf);
    await mlflow.endRun(tracked.runId, status, run.endedAt ?? world.clock.now());
  } finally {
    state.deleteRunToken(digest); // the next try has its own
  }
  state.changeRun(id, (known) => ({ ...known, tracked: { ...tracked, isOpen: false } }));
  state.deleteRunTokens(id);
  for (const { host, part } of await listRelays(context, run, tracked)) await endRelay(host, part);
  return problem;
}

/** The last word about a run is how it ended: what is on its way comes before. @throws SestaError TRACKER */
async function requireDelivered(context: Context, run: Run, tracked: TrackedRun): Promise<void> {
  const { clock, signal } = context.world;
  const until = clock.monotonic() + deliveryMs;
  for (const { host, part } of await listRelays(context, run, tracked))
    while ((await countKept(host, part)) > 0) {
      if (clock.monotonic() > until)
        throw new SestaError("TRACKER", `some of what ${run.id} logged is still on ${host.machine.name}`);
      await clock.sleep(lookEveryMs, signal);
    }
}

/** Of the nodes of a run, each with its machine. @throws SestaError SSH_CONNECTION */
export function listRelays(context: Context, run: Run, { ports }: TrackedRun) {
  const away = run.nodes.flatMap(({ machine }, node) => (ports[node] == null ? [] : [{ machine, node }]));
  return Promise.all(
    away.map(async ({ machine, node }) => ({
      host: await openHost(context, run.target, machine),
      part: partOf(run, node),
    })),
  );
}

/** What is known only now. */
async function tell(mlflow: Mlflow, run: Run, { runId }: TrackedRun): Promise<void> {
  const tags = {
    ...(run.container !== null && { "sesta.container": run.container }),
    ...(run.exitCode !== null && { "sesta.exit_code": String(run.exitCode) }),
    ...(run.why !== null && { "sesta.why": run.why }),
  };
  for (const [key, value] of Object.entries(tags)) await mlflow.setTag(runId, key, value);
}

/** From its machines, whether it was fetched or not: what lies at home may be of several runs. */
async function attach(context: Context, mlflow: Mlflow, run: Run, tracked: TrackedRun): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), "sesta-report-"));
  try {
    for (const [node, { machine, folder }] of run.nodes.entries()) {
      if (folder === null) continue;
      const host = await openHost(context, run.target, machine);
      const from = runFolder(host, partOf(run, node));
      const into = join(scratch, run.nodes.length === 1 ? "" : machine);
      const limit = { maxBytes: longestBytes, signal: context.world.signal };
      await host.machine.get(from, ["output"], into, limit);
      if (run.settings.fetch.length > 0)
        await host.machine.get(`${from}/work`, run.settings.fetch, join(into, "fetched"), limit);
    }
    for (const entry of await readdir(scratch, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const file = join(entry.parentPath, entry.name);
      const path = relative(scratch, file);
      if (path.endsWith(`fetched/${run.settings.stdout}`)) continue; // what it printed is there already
      const name = path.replace(/(^|\/)output$/, "$1output.txt");
      await mlflow.putArtifact(tracked.artifacts, `sesta/${name}`, file);
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
