// Stops a run: TERM, time to end by itself, KILL of all that belongs to it.
import { askToStop } from "../../machine/runs/stop.ts";
import { isOver, partOf, type Run } from "../../model/run.ts";
import type { Context } from "../context.ts";
import { openHost } from "../machines.ts";
import { refreshRun } from "./refresh.ts";

const lookEveryMs = 200;
const longestMs = 45_000;

/** Waits until it has ended; one that is over is left as it is. */
export async function stopRun(context: Context, run: Run): Promise<Run> {
  const { clock, signal } = context.world;
  let known = await refreshRun(context, run);
  if (isOver(known.state)) return known;
  const submitted = known.nodes.flatMap(({ folder, machine }, rank) =>
    folder === null ? [] : [{ machine, part: partOf(known, rank) }],
  );
  if (submitted.length === 0) {
    const marked = markStopped(context, known);
    return isOver(marked.state) ? marked : stopRun(context, marked); // its command was quicker
  }
  await Promise.all(
    submitted.map(async ({ machine, part }) =>
      askToStop(await openHost(context, known.target, machine), part, "user"),
    ),
  );
  const began = clock.monotonic();
  while (!isOver(known.state) && clock.monotonic() - began < longestMs) {
    await clock.sleep(lookEveryMs, signal);
    known = await refreshRun(context, known);
  }
  return known;
}

/** One that has not reached a machine. A command that is about to bring it there finds it stopped, see startRun. */
function markStopped({ state, world }: Context, { id }: Run): Run {
  const why = "It was stopped before it began.";
  return state.changeRun(id, (run) =>
    isOver(run.state) || run.nodes.some(({ folder }) => folder !== null)
      ? run
      : {
          ...run,
          state: "stopped",
          why,
          endedAt: world.clock.now(),
          nodes: run.nodes.map((node) => ({ ...node, state: "stopped", why })),
        },
  );
}
