// Judges whether a workload is used: a full idle period begins with each piece of evidence. Unknown counts as used.
import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { IdleRule } from "../model/launch.ts";

/** Newest use of one thing, as the wall time in milliseconds that was recorded for it; `now` for what goes on. */
export type Evidence = { source: string; at: number | "now" };

export type Use = ReturnType<typeof createUse>;

export type UseWatch = {
  collect(): Promise<Evidence[]>;
  /** False when it cannot be done now; it is asked again later. */
  sleep(why: string): boolean;
  /** Called when there was a newer use. */
  changed(): void;
};

/** @param awakeSince wall time at which the workload became awake */
export function createUse(clock: Clock, firstRule: IdleRule, awakeSince: number) {
  let rule = firstRule;
  let last = { source: "waking", at: clock.now(), monotonic: clock.monotonic() };
  let seen: ReadonlySet<string> = new Set();
  let lookedAt = clock.monotonic();
  let nap = new AbortController();
  const awakeAt = clock.monotonic() - Math.max(0, clock.now() - awakeSince);

  const note = (source: string, ageMs = 0): void => {
    const monotonic = clock.monotonic() - ageMs;
    if (monotonic > last.monotonic) last = { source, at: clock.now() - ageMs, monotonic };
  };
  // A recorded time says only that something new happened since the last look, because the wall clock may have
  // jumped in between: its age is believed within that span and no further.
  const weigh = (found: readonly Evidence[]): void => {
    const spanMs = clock.monotonic() - lookedAt;
    for (const { source, at } of found) {
      if (at === "now") note(source);
      else if (!seen.has(`${at} ${source}`)) note(source, Math.min(spanMs, Math.max(0, clock.now() - at)));
    }
    seen = new Set(found.map(({ source, at }) => `${at} ${source}`));
    lookedAt = clock.monotonic();
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
    /** Counts at once. */
    setRule(next: IdleRule): void {
      rule = next;
      nap.abort();
    },
    /** Looks for evidence until the time is over, then asks for sleep with the reason. */
    async watch({ collect, sleep, changed }: UseWatch, signal: AbortSignal): Promise<void> {
      while (!signal.aborted) {
        nap = new AbortController();
        await clock
          .sleep(tickMs(rule, remainingMs()), AbortSignal.any([signal, nap.signal]))
          .catch(() => undefined);
        if (signal.aborted) return;
        if (capped()) {
          if (sleep(`It was awake for ${words(rule.maxAwakeMs ?? 0)}, the longest allowed.`)) return;
          continue;
        }
        const before = last.at;
        weigh(await collect().catch(unknown));
        if (signal.aborted) return;
        if (last.at !== before) changed();
        if (remainingMs() > 0) continue;
        if (sleep(`No use for ${words(rule.idleMs ?? 0)}; the last was: ${last.source}.`)) return;
      }
    },
  };
}

function unknown(error: unknown): Evidence[] {
  return [
    {
      source: `whether it is used could not be found out (${messageOf(error)}); that counts as use`,
      at: "now",
    },
  ];
}

/** Often enough that what lasted a moment is seen, seldom enough to cost nothing; exact at the end. */
function tickMs(rule: IdleRule, remainingMs: number): number {
  const regular = Math.min(30_000, Math.max(1_000, (rule.idleMs ?? 300_000) / 10));
  return remainingMs <= 0 ? regular : Math.max(50, Math.min(regular, remainingMs));
}

function words(ms: number): string {
  if (ms >= 60_000 && ms % 60_000 === 0) return `${ms / 60_000} min`;
  return `${Math.round(ms / 1000)} s`;
}
