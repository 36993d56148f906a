// How long a wake will take, said as honestly as earlier wakes of the same workload allow.

export type WakeEstimate = {
  /** "1-3 min", "3 s": stands in "will start in …". */
  phrase: string;
  retryAfterSeconds: number;
  /** Seconds until it should be awake; null while nothing is known. */
  etaSeconds: number | null;
};

/** The wake endpoint's own words (seed 000) while there is nothing to go by; asking again sooner costs nothing. */
const unknown: WakeEstimate = { phrase: "1-3 min", retryAfterSeconds: 5, etaSeconds: null };
const remembered = 10;
const inSecondsUpToMs = 90_000;

/**
 * From the last ten wakes: a quarter of them were quicker than the lower figure, one in ten slower than the upper.
 * @param earlierMs durations of earlier wakes, oldest first
 * @param elapsedMs since this wake began
 */
export function estimateWake(earlierMs: readonly number[], elapsedMs = 0): WakeEstimate {
  const sorted = earlierMs
    .filter((ms) => Number.isFinite(ms) && ms > 0)
    .slice(-remembered)
    .toSorted((a, b) => a - b);
  const low = quantile(sorted, 0.25);
  const high = quantile(sorted, 0.9);
  if (low === undefined || high === undefined) return unknown;
  const spentMs = Math.max(0, elapsedMs); // by wall time it may come out negative
  const [soonMs, lateMs] = [remainingMs(low, spentMs), remainingMs(high, spentMs)];
  return {
    phrase: lateMs <= inSecondsUpToMs ? `${roundedSeconds(lateMs)} s` : minutes(soonMs, lateMs),
    retryAfterSeconds: Math.ceil(soonMs / 1000),
    etaSeconds: Math.ceil(lateMs / 1000),
  };
}

function quantile(sorted: readonly number[], share: number): number | undefined {
  return sorted[Math.ceil(share * sorted.length) - 1];
}

/** What is overdue by its estimate is expected to take a quarter again of what it took so far. */
function remainingMs(usualMs: number, elapsedMs: number): number {
  return Math.max(usualMs - elapsedMs, elapsedMs / 4, 1000);
}

/** Whole seconds up to ten, then the next five: no finer than an estimate deserves. */
function roundedSeconds(ms: number): number {
  const seconds = Math.ceil(ms / 1000);
  return seconds <= 10 ? seconds : Math.ceil(seconds / 5) * 5;
}

function minutes(soonMs: number, lateMs: number): string {
  const least = Math.max(1, Math.floor(soonMs / 60_000));
  const most = Math.ceil(lateMs / 60_000);
  return least === most ? `${most} min` : `${least}-${most} min`;
}
