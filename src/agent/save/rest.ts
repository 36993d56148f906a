// A loop's rest: until its time, or until something has happened for it, also while it was not resting.
import type { Clock } from "../../base/clock.ts";

export type Rest = {
  /** Ends the rest that goes on, or the next one. */
  wake(): void;
  /** @param ms null: until woken */
  rest(ms: number | null, signal: AbortSignal): Promise<void>;
};

const longMs = 3_600_000;

export function createRest(clock: Clock): Rest {
  let woken = new AbortController();
  return {
    wake: () => woken.abort(),
    async rest(ms, signal) {
      await clock
        .sleep(Math.max(1, ms ?? longMs), AbortSignal.any([woken.signal, signal]))
        .catch(() => undefined);
      woken = new AbortController();
    },
  };
}
