// Closes in its tracker what a job that is taken away has open there: nobody looks after it any more.
import { messageOf, SestaError } from "../../base/errors.ts";
import type { Progress } from "../../model/plan.ts";
import type { Run } from "../../model/run.ts";
import type { Context } from "../context.ts";
import { ensureGateway } from "../gateway.ts";
import { closeTracked, listRelays } from "./close.ts";
import { endRelay } from "./relay.ts";

/** @returns a line for each run that its tracker could not be told of */
export async function closeLeft(context: Context, job: string, on: Progress): Promise<string[]> {
  const { state } = context;
  const untold: string[] = [];
  for (const run of state.listRuns(job)) {
    const { id, tracked } = run;
    if (!tracked?.isOpen) continue;
    on({ workload: job, step: "report", state: "running", detail: `${id}, to ${tracked.workload}` });
    try {
      await close(context, run, tracked.workload);
    } catch (error) {
      context.world.signal.throwIfAborted();
      untold.push(`${id} in ${tracked.workload}, which could not be told how it ended: ${messageOf(error)}`);
      await letGo(context, run);
    }
    on({ workload: job, step: "report", state: "done", detail: `${id}, to ${tracked.workload}` });
  }
  return untold;
}

async function close(context: Context, run: Run, tracker: string): Promise<void> {
  if ((context.state.findWorkload(tracker)?.placedAt ?? null) === null)
    throw new SestaError("TRACKER", "it is not up any more");
  await closeTracked(context, run, async (name) => (await ensureGateway(context)).doors[name]);
}

async function letGo(context: Context, run: Run): Promise<void> {
  const { state } = context;
  if (run.tracked)
    for (const { host, part } of await listRelays(context, run, run.tracked).catch(() => []))
      await endRelay(host, part).catch(() => undefined);
  state.changeRun(run.id, ({ tracked, ...known }) => ({
    ...known,
    ...(tracked && { tracked: { ...tracked, isOpen: false } }),
  }));
  state.deleteRunTokens(run.id);
}
