// Load as evidence: the processor time of a workload's processes, or its machine's GPUs, above a threshold for a while.
import type { Clock } from "../../base/clock.ts";
import type { ProcessRow } from "../../machine/process-table.ts";

export type Load = ReturnType<typeof createLoad>;

/** Tells since when values stay at or above a threshold. */
export function createLoad(clock: Clock) {
  let above: number | null = null;
  return {
    /**
     * Whether the load was enough over all of `forMs`.
     * @param beganAt monotonic time at which what the value measures began
     */
    isHigh(percent: number, threshold: number, forMs: number, beganAt = clock.monotonic()): boolean {
      above = percent >= threshold ? (above ?? beganAt) : null;
      return above !== null && clock.monotonic() - above >= forMs;
    },
    forget: (): void => void (above = null),
  };
}

/** Measures what processes take of one core between one look and the next. */
export function createProcessorMeter(clock: Clock) {
  let before: { at: number; used: ReadonlyMap<string, number> } | undefined;
  return {
    /**
     * Percent since the look before, and when that was (monotonic); undefined at the first look. What ended in between
     * is missed, what began in between counts in full.
     */
    measure(rows: readonly ProcessRow[]): { percent: number; sinceMs: number } | undefined {
      const used = new Map(rows.map(({ pid, startTime, cpuMs }) => [`${pid} ${startTime}`, cpuMs]));
      const [last, at] = [before, clock.monotonic()];
      before = { at, used };
      if (!last || at <= last.at) return undefined;
      let usedMs = 0;
      for (const [process, cpuMs] of used) usedMs += cpuMs - (last.used.get(process) ?? 0);
      return { percent: (100 * usedMs) / (at - last.at), sinceMs: last.at };
    },
    forget: (): void => void (before = undefined),
  };
}
