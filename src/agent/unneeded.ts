// Ends an agent that has nothing to look after: of two that are started at once, one may be there after the work is done.
import type { Clock } from "../base/clock.ts";

export type Need = {
  clock: Clock;
  /** Whether there is anything to look after, or anybody who watches. */
  isNeeded: () => boolean;
  /** When it was last asked anything, on the monotonic clock. */
  lastAsked: () => number;
  signal: AbortSignal;
};

/** Longer than any verb leaves the agent alone between two questions that belong together. */
const alone = 10_000;

/** Resolves once nobody has needed or asked it for a while; rejects where the signal aborts before. */
export async function untilUnneeded({ clock, isNeeded, lastAsked, signal }: Need): Promise<void> {
  while (isNeeded() || clock.monotonic() - lastAsked() < alone) await clock.sleep(alone, signal);
}
