// What another idle time would have done with what was recorded: `sesta history NAME --json`, its changes and its uses.
import { z } from "zod";

const time = z.union([z.number(), z.iso.datetime({ offset: true }).transform((text) => Date.parse(text))]);

const historySchema = z.object({
  events: z.array(
    z.object({ at: time, workload: z.string(), from: z.string(), to: z.string(), by: z.string() }),
  ),
  use: z.array(z.object({ workload: z.string(), source: z.string(), from: time, to: time })),
});

export type History = z.infer<typeof historySchema>;

/** Times in milliseconds. */
export type Replay = {
  workload: string;
  /** From the first wake to the last thing recorded. */
  from: number;
  to: number;
  awakeMs: number;
  wouldBeAwakeMs: number;
  wakes: number;
  /** Wakes that nobody would have had to wait for, because it would not have slept. */
  sparedWakes: number;
  /** Uses that would have met a sleeping lab where they met one awake. */
  interruptions: { at: number; source: string; idleMs: number }[];
};

export function parseHistory(text: string): History {
  return historySchema.parse(JSON.parse(text));
}

/** Someone's own `sesta sleep`, or its end by anything but the agent's idle rule, counts under every timer. */
export function replay(history: History, workload: string, idleMs: number): Replay {
  const changes = history.events.filter((one) => one.workload === workload).toSorted((a, b) => a.at - b.at);
  const uses = history.use.filter((one) => one.workload === workload);
  const recorded = [...changes.map(({ at }) => at), ...uses.map(({ to }) => to)];
  const to = Math.max(...recorded);
  const times = findTimesAwake(changes, to);
  const moments = [
    ...times.map(({ from }) => ({ from, to: from, source: "a wake", wake: true, ends: undefined })),
    ...uses.map((use) => ({ from: use.from, to: use.to, source: use.source, wake: false, ends: undefined })),
    ...times.flatMap(({ to: at, forced }) =>
      forced ? [{ from: at, to: at, source: "", wake: false, ends: at }] : [],
    ),
  ].toSorted((a, b) => a.from - b.from || Number(b.wake) - Number(a.wake));
  const found: Replay = {
    workload,
    from: times[0]?.from ?? to,
    to,
    awakeMs: times.reduce((sum, one) => sum + one.to - one.from, 0),
    wouldBeAwakeMs: 0,
    wakes: times.length,
    sparedWakes: 0,
    interruptions: [],
  };
  let since: number | undefined;
  let lastUse = -Infinity;
  const sleepBy = (at: number) => {
    if (since !== undefined) found.wouldBeAwakeMs += Math.min(at, to) - since;
    since = undefined;
  };
  for (const moment of moments) {
    if (since !== undefined && lastUse + idleMs < moment.from) sleepBy(lastUse + idleMs);
    if (moment.ends !== undefined) {
      sleepBy(moment.ends);
      continue;
    }
    if (since === undefined) {
      if (!moment.wake && lastUse > -Infinity)
        found.interruptions.push({ at: moment.from, source: moment.source, idleMs: moment.from - lastUse });
      since = moment.from;
      lastUse = moment.to;
    } else if (moment.wake) found.sparedWakes += 1;
    lastUse = Math.max(lastUse, moment.to);
  }
  if (since !== undefined) sleepBy(lastUse + idleMs);
  return found;
}

type TimeAwake = { from: number; to: number; forced: boolean };

function findTimesAwake(changes: History["events"], end: number): TimeAwake[] {
  const times: TimeAwake[] = [];
  let from: number | undefined;
  for (const { at, to, by } of changes) {
    const runs = to === "waking" || to === "awake";
    if (runs) from ??= at;
    else if (from !== undefined) {
      times.push({ from, to: at, forced: by !== "agent" });
      from = undefined;
    }
  }
  if (from !== undefined) times.push({ from, to: end, forced: false });
  return times;
}
