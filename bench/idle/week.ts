// Builds the timeline of one week out of sittings: somebody comes, acts now and then, goes, and may leave things behind.
import type { Random } from "./random.ts";
import type { Action, Code, Span, Timeline } from "./timeline.ts";

export const second = 1_000;
export const minute = 60 * second;
export const hour = 60 * minute;
export const day = 24 * hour;

export type Sitting = Span & {
  via: Action["via"];
  /** Median time between two actions; some are many times as long. */
  pauseMs: number;
  /** Median time that code runs which an action starts; 0: it starts none. */
  runMs?: number;
};

export type Week = ReturnType<typeof createWeek>;

export function createWeek(random: Random) {
  const endMs = 7 * day;
  const code: Code[] = [];
  const actions: Action[] = [];
  const present: Span[] = [];
  const tabs: Span[] = [];
  const outages: Span[] = [];
  const clip = ({ from, to }: Span): Span => ({ from, to: Math.min(to, endMs) });

  return {
    random,
    /** Opens the page, acts until the end, and is gone with the last action; the tab is open as long. Says when. */
    sit({ from, to, via, pauseMs, runMs = 0 }: Sitting): number {
      let last = from;
      actions.push({ at: from, via: "visit" });
      for (let at = from + 20 * second; at < Math.min(to, endMs); at += random.around(pauseMs, 0.9)) {
        last = at;
        actions.push({ at, via });
        const where = via === "terminal" ? "terminal" : "kernel";
        const lasts = random.around(runMs, 1);
        if (runMs > 0) code.push({ ...clip({ from: at, to: at + lasts }), where, outputEveryMs: null });
      }
      present.push({ from, to: last });
      tabs.push({ from, to: last + 1 });
      return last;
    },
    /** Starts something long with a last action; it runs on without anybody. */
    run(from: number, forMs: number, where: Code["where"], outputEveryMs: number | null): void {
      if (from >= endMs) return;
      actions.push({ at: from, via: where === "kernel" ? "kernel" : "terminal" });
      code.push({ ...clip({ from, to: from + forMs }), where, outputEveryMs });
    },
    leaveTabOpen(from: number, forMs: number): void {
      tabs.push(clip({ from, to: from + forMs }));
    },
    /** Jupyter is too busy, or starts again, and answers nobody for a while. */
    outage(from: number, forMs: number): void {
      outages.push({ from, to: from + forMs });
    },
    end(): Timeline {
      const sorted = actions.filter(({ at }) => at < endMs).toSorted((a, b) => a.at - b.at);
      return { endMs, code, actions: sorted, present, tabs, outages };
    },
  };
}
