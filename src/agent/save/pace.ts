// When a change of the workspace is due to be saved: at once after a pause in writing, in intervals where there is none.

/** Monotonic milliseconds. */
export type Writing = { firstChangeAt: number; lastChangeAt: number; lastSaveAt: number };

/** A first change is saved as soon as its writer has paused this long. */
const shortPauseMs = 300;
/** Shortly after another save it takes a longer pause: whoever writes all the time is not saved all the time. */
const longPauseMs = 1_200;

/** The moment at which a save is due: within 2 s of the last write, or `everyMs` after the first one. */
export function dueAt({ firstChangeAt, lastChangeAt, lastSaveAt }: Writing, everyMs: number): number {
  const settled = firstChangeAt - lastSaveAt >= everyMs ? shortPauseMs : longPauseMs;
  return Math.min(lastChangeAt + settled, Math.max(firstChangeAt, lastSaveAt) + everyMs);
}

const firstPauseMs = 2_000;
/** A remote that is back is noticed after this long at the latest. */
const longestPauseMs = 5 * 60_000;

/** How long to wait before the next try. @param failures that came one after another, at least 1 */
export function backoffMs(failures: number): number {
  return Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(failures - 1, 20));
}
