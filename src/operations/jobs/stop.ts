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
  if (submitted.length === 0) return markStopped(context, known);
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

/** One whose command died before it reached a machine. */
function markStopped({ state, world }: Context, run: Run): Run {
  return state.changeRun(run.id, (known) => ({
    ...known,
    state: "stopped",
    why: "It was stopped before it began.",
    endedAt: world.clock.now(),
    nodes: known.nodes.map((node) => ({ ...node, state: "stopped", why: "It was stopped before it began." })),
  }));
}
