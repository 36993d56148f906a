// Judges whether a workload is used: a full idle period begins with each piece of evidence. Unknown counts as used.
import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { IdleRule } from "../model/launch.ts";
import type { UseRecord } from "./use-record.ts";

/** Newest use of one thing, as the wall time in milliseconds that was recorded for it; `now` for what goes on. */
export type Evidence = {
  source: string;
  at: number | "now";
  /** Names the thing itself, whatever the words: "kernel ID". Without it, the source does. */
  key?: string;
};

export type Use = ReturnType<typeof createUse>;

export type SleepCause = "idle" | "cap";

export type UseWatch = {
  collect(): Promise<Evidence[]>;
  /** False when it cannot be done now; it is asked again later. */
  sleep(why: string, cause: SleepCause): boolean;
  /** Called when there was a newer use, and when the announcement of sleep begins or ends. */
  changed(): void;
};

const longestLookMs = 20_000;

/**
 * @param awakeSince wall time at which the workload became awake
 * @param record is told of every use, and closed when the watch ends
 */
export function createUse(clock: Clock, firstRule: IdleRule, awakeSince: number, record?: UseRecord) {
  let rule = firstRule;
  let last = { source: "waking", at: clock.now(), monotonic: clock.monotonic() };
  let seen: ReadonlyMap<string, readonly number[]> = new Map();
  let goingOn: readonly string[] = [];
  let lookedAt = clock.monotonic();
  let heldUntil = -Infinity; // monotonic
  let told = false;
  let nap = new AbortController();
  const createdAt = clock.monotonic();
  const awakeAt = createdAt - Math.max(0, clock.now() - awakeSince);

  const note = ({ source, key = source }: Omit<Evidence, "at">, ageMs: number, goesOn = false): void => {
    const monotonic = clock.monotonic() - ageMs;
    if (monotonic > createdAt) record?.seen({ key, source, monotonic, goesOn }, gapMs(rule));
    if (monotonic > last.monotonic) last = { source, at: clock.now() - ageMs, monotonic };
  };
  const isNew = (one: Evidence): boolean => one.at === "now" || !seen.get(keyOf(one))?.includes(one.at);
  // A recorded time says only that something new happened since the last look, because the wall clock may have
  // jumped in between: its age is believed within that span and no further.
  const weigh = (found: readonly Evidence[]): void => {
    const spanMs = clock.monotonic() - lookedAt;
    const times = new Map<string, number[]>();
    for (const one of found) {
      if (one.at === "now") {
        note(one, 0, true);
        continue;
      }
      const key = keyOf(one);
      if (isNew(one)) note(one, Math.min(spanMs, Math.max(0, clock.now() - one.at)));
      times.set(key, [...(times.get(key) ?? []), one.at]);
    }
    seen = new Map([...seen, ...times]);
    goingOn = [...new Set(found.filter(({ at }) => at === "now").map(({ source }) => source))];
    lookedAt = clock.monotonic();
    record?.looked(gapMs(rule));
  };
  const idleLeftMs = (): number => {
    if (rule.idleMs === null) return Infinity;
    const until = Math.max(last.monotonic + rule.idleMs, heldUntil + announceMs(rule));
    return until - clock.monotonic();
  };
  const capLeftMs = (): number =>
    rule.maxAwakeMs === null ? Infinity : awakeAt + rule.maxAwakeMs - clock.monotonic();
  const remainingMs = (): number => Math.min(idleLeftMs(), capLeftMs());
  const announced = (): boolean => remainingMs() <= announceMs(rule);
  const askToSleep = (sleep: UseWatch["sleep"]): boolean =>
    capLeftMs() <= 0
      ? sleep(`It was awake for ${words(rule.maxAwakeMs ?? 0)}, the longest allowed.`, "cap")
      : sleep(`No use for ${words(rule.idleMs ?? 0)}; the last was: ${last.source}.`, "idle");
  const isHeld = (): boolean => heldUntil > clock.monotonic();

  return {
    note(source: string): void {
      note({ source }, 0);
      if (told) nap.abort(); // the announcement is over
    },
    last: () => ({ at: last.at, source: last.source }),
    /** On the monotonic clock, when it was last used. */
    lastMonotonic: () => last.monotonic,
    /** Of a look after the last one of the watch: what that had not seen, as of now, whatever its wall time says. */
    listNew: (found: readonly Evidence[]): Evidence[] =>
      found.filter(isNew).map((one) => ({ ...one, at: "now" })),
    /** Wall time at which it would sleep if nothing more happened; null when it never does. */
    sleepsAt: (): number | null => (Number.isFinite(remainingMs()) ? clock.now() + remainingMs() : null),
    /** It will sleep by itself within a minute or a tenth of the idle time, whichever is less. */
    announced,
    /** What will end it first; a use puts off only "idle". */
    cause: (): SleepCause => (capLeftMs() < idleLeftMs() ? "cap" : "idle"),
    isHeld,
    /** What keeps it awake at this moment, in words; a use in the past is not among it. */
    blockers: (): readonly string[] => [...goingOn, ...(isHeld() ? ["its owner keeps it awake"] : [])],
    /** Counts at once. */
    setRule(next: IdleRule): void {
      rule = next;
      nap.abort();
    },
    /**
     * Until that wall time it does not sleep for want of use; null lets go. The end of a hold is no use, but it is
     * announced in full. The wall time counts as it is understood now, however the clock jumps later.
     */
    hold(untilWallMs: number | null): void {
      const now = clock.monotonic();
      heldUntil =
        untilWallMs === null ? Math.min(heldUntil, now) : now + Math.max(0, untilWallMs - clock.now());
      nap.abort();
    },
    /** Looks for evidence until the time is over, then asks for sleep with the reason. */
    async watch({ collect, sleep, changed }: UseWatch, signal: AbortSignal): Promise<void> {
      let shown = last.monotonic;
      const tell = (): void => {
        if (shown === last.monotonic && told === announced()) return;
        shown = last.monotonic;
        told = announced();
        changed();
      };
      try {
        while (!signal.aborted) {
          nap = new AbortController();
          await clock
            .sleep(tickMs(rule, remainingMs()), AbortSignal.any([signal, nap.signal]))
            .catch(() => undefined);
          if (signal.aborted) return;
          const over = capLeftMs() <= 0;
          if (over && askToSleep(sleep)) return;
          if (told) tell();
          weigh(await look(clock, collect));
          if (signal.aborted) return;
          tell();
          if (!over && remainingMs() <= 0 && askToSleep(sleep)) return;
        }
      } finally {
        record?.close();
      }
    },
  };
}

// A look that hangs must neither end anything nor keep the longest time awake from ending it.
export async function look(clock: Clock, collect: () => Promise<Evidence[]>): Promise<Evidence[]> {
  const done = new AbortController();
  const late = async (): Promise<Evidence[]> => {
    await clock.sleep(longestLookMs, done.signal);
    return unknown("nothing answered in time");
  };
  try {
    return await Promise.race([collect(), late()]);
  } catch (error) {
    return unknown(messageOf(error));
  } finally {
    done.abort();
  }
}

function keyOf({ key, source }: Evidence): string {
  return key ?? source;
}

function unknown(reason: string): Evidence[] {
  return [
    {
      source: `whether it is used could not be found out (${reason}); that counts as use`,
      at: "now",
      key: "unknown",
    },
  ];
}

/** How long before its sleep a workload says so. */
function announceMs({ idleMs, maxAwakeMs }: IdleRule): number {
  return Math.min(60_000, (idleMs ?? maxAwakeMs ?? Infinity) / 10);
}

/** Often enough that what lasted a moment is seen, seldom enough to cost nothing. */
function regularMs({ idleMs }: IdleRule): number {
  return Math.min(30_000, Math.max(1_000, (idleMs ?? 300_000) / 10));
}

/** Exact at the beginning and the end of the announcement, and closer together within it. */
function tickMs(rule: IdleRule, remainingMs: number): number {
  const regular = regularMs(rule);
  if (remainingMs <= 0) return regular;
  const aheadMs = remainingMs - announceMs(rule);
  return Math.max(50, aheadMs > 0 ? Math.min(regular, aheadMs) : Math.min(regular, 5_000, remainingMs));
}

/** Two looks that show the same use with no more than this between them show it without a break. */
function gapMs(rule: IdleRule): number {
  return 2 * regularMs(rule) + 5_000;
}

function words(ms: number): string {
  if (ms >= 60_000 && ms % 60_000 === 0) return `${ms / 60_000} min`;
  return `${Math.round(ms / 1000)} s`;
}
