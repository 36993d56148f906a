// Looks after runs of several machines while no command does: they begin together, and one that fails ends the others.
import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { isOver } from "../model/run.ts";
import type { Context } from "../operations/context.ts";

const everyMs = 3_000;

export async function watchRuns(context: Context, log: Log, signal: AbortSignal): Promise<void> {
  const { clock } = context.world;
  let told = "";
  while (!signal.aborted) {
    await clock.sleep(everyMs, signal).catch(() => undefined);
    if (signal.aborted) return;
    const open = context.state.listRuns().filter(({ nodes, state }) => nodes.length > 1 && !isOver(state));
    if (open.length === 0) continue;
    const { refreshRuns } = await import("../operations/jobs/refresh.ts"); // most projects never need it
    await refreshRuns(context, open).catch((error: unknown) => {
      if (messageOf(error) !== told) log.warn("runs were not looked at", { error: messageOf(error) });
      told = messageOf(error);
    });
  }
}
