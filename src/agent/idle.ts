// Judges whether a workload is used: a full idle period begins with each piece of evidence. Unknown counts as used.
import type { Clock } from "../base/clock.ts";
import type { IdleRule } from "../model/launch.ts";

/** Newest use of one source, as wall time in milliseconds; `now` for what goes on at this moment. */
export type Evidence = { source: string; at: number | "now" };

export type Use = ReturnType<typeof createUse>;

/** @param awakeSince wall time at which the workload became awake */
export function createUse(clock: Clock, firstRule: IdleRule, awakeSince: number) {
  let rule = firstRule;
  let last = { source: "waking", at: clock.now(), monotonic: clock.monotonic() };
  const awakeAt = clock.monotonic() - Math.max(0, clock.now() - awakeSince);

  const note = (source: string, ageMs = 0): void => {
    const monotonic = clock.monotonic() - ageMs;
    if (monotonic > last.monotonic) last = { source, at: clock.now() - ageMs, monotonic };
  };
  const remainingMs = (): number => {
    const now = clock.monotonic();
    const idle = rule.idleMs === null ? Infinity : last.monotonic + rule.idleMs - now;
    const cap = rule.maxAwakeMs === null ? Infinity : awakeAt + rule.maxAwakeMs - now;
    return Math.min(idle, cap);
  };
  const capped = (): boolean => rule.maxAwakeMs !== null && clock.monotonic() - awakeAt >= rule.maxAwakeMs;

  return {
    note: (source: string) => note(source),
    last: () => ({ at: last.at, source: last.source }),
    /** Wall time at which it would sleep if nothing more happened; null when it never does. */
    sleepsAt: (): number | null => (Number.isFinite(remainingMs()) ? clock.now() + remainingMs() : null),
    setRule: (next: IdleRule) => (rule = next),
    /** Looks for evidence until the time is over, then calls `sleep` once with the reason. */
    async watch(
      collect: (sinceMs: number) => Promise<Evidence[]>,
      sleep: (why: string) => void,
      changed: () => void,
      signal: AbortSignal,
    ): Promise<void> {
      while (!signal.aborted) {
        await clock.sleep(tickMs(rule, remainingMs()), signal).catch(() => undefined);
        if (signal.aborted) return;
        if (capped()) return sleep(`It was awake for ${words(rule.maxAwakeMs ?? 0)}, the longest allowed.`);
        const before = last.at;
        for (const { source, at } of await collect(last.at)) note(source, at === "now" ? 0 : clock.now() - at);
        if (signal.aborted) return;
        if (last.at !== before) changed();
        if (remainingMs() <= 0) return sleep(`No use for ${words(rule.idleMs ?? 0)}; the last was: ${last.source}.`);
      }
    },
  };
}

/** Often enough that what lasted a moment is seen, seldom enough to cost nothing; exact at the end. */
function tickMs(rule: IdleRule, remainingMs: number): number {
  const regular = Math.min(30_000, Math.max(1_000, (rule.idleMs ?? 300_000) / 10));
  return Math.max(50, Math.min(regular, remainingMs));
}

function words(ms: number): string {
  if (ms >= 60_000 && ms % 60_000 === 0) return `${ms / 60_000} min`;
  return `${Math.round(ms / 1000)} s`;
}
