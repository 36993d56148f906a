// Time as a thing that is handed in: wall time for display, monotonic time for every timer.
import { setTimeout as delay } from "node:timers/promises";

export type Clock = {
  /** Wall time in milliseconds since the epoch; only for records and display. */
  now(): number;
  /** Milliseconds from an arbitrary start that never jumps. */
  monotonic(): number;
  /** Resolves after `ms`; rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
};

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) => delay(ms, undefined, signal ? { signal } : {}),
};
