// When a change of the workspace is due to be saved: at once after a pause in writing, in intervals where there is none.

/** Monotonic milliseconds; `earlierAt` is the last change before the first one that is not saved yet. */
export type Writing = { earlierAt: number; firstChangeAt: number; lastChangeAt: number; lastSaveAt: number };

/** After a calm, a change is saved as soon as its writer has paused this long. */
const shortPauseMs = 300;
/** Without one it takes a longer pause: whoever writes all the time is not saved all the time. */
const longPauseMs = 1_200;
const calmMs = 2_000;

/** The moment at which a save is due: within 2 s of the last write, or `everyMs` after the first one. */
export function dueAt(
  { earlierAt, firstChangeAt, lastChangeAt, lastSaveAt }: Writing,
  everyMs: number,
): number {
  const settled = firstChangeAt - earlierAt >= calmMs ? shortPauseMs : longPauseMs;
  return Math.min(lastChangeAt + settled, Math.max(firstChangeAt, lastSaveAt) + everyMs);
}

const firstPauseMs = 2_000;
/** A remote that is back is noticed after this long at the latest. */
const longestPauseMs = 5 * 60_000;

/** How long to wait before the next try. @param failures that came one after another, at least 1 */
export function backoffMs(failures: number): number {
  return Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(failures - 1, 20));
}
