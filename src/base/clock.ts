// Time as a thing that is handed in: wall time for display, monotonic time for every timer.
import { setTimeout as delay } from "node:timers/promises";

export type Clock = {
  /** Wall time in milliseconds since the epoch; only for records and display. */
  now(): number;
  /** Milliseconds from an arbitrary start that never jumps. */
  monotonic(): number;
  /** Resolves after `ms`, however many; rejects with the signal's reason as its cause when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
};

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (ms, signal) => {
    for (const partMs of splitWait(ms)) await delay(partMs, undefined, signal ? { signal } : {});
  },
};

const longestTimerMs = 2 ** 31 - 1;

/** A timer of Node that is longer than 24.8 days fires at once (setTimeout in its documentation): parts that are not. */
export function* splitWait(ms: number): Generator<number> {
  let leftMs = ms;
  for (; leftMs > longestTimerMs; leftMs -= longestTimerMs) yield longestTimerMs;
  yield leftMs;
}
