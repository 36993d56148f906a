// Does what is to be done, one step at a time, so that no two steps that have effects ever meet.
import type { Clock } from "../base/clock.ts";

export type Step = () => Promise<void>;

export type Settling = {
  clock: Clock;
  /** What is to be done as things stand; undefined when nothing is. */
  next: () => Step | undefined;
  /** A step failed for a reason that nobody expected, such as a full disk; it is tried again. */
  failed: (error: unknown) => void;
  signal: AbortSignal;
};

const mendMs = 5_000;

/** @returns how to begin; while steps are being done, nothing */
export function createSettling({ clock, next, failed, signal }: Settling): () => void {
  let settling = false;
  const go = async (): Promise<void> => {
    for (;;) {
      try {
        const step = next();
        if (!step || signal.aborted) return void (settling = false);
        await step();
      } catch (error) {
        failed(error);
        await clock.sleep(mendMs, signal).catch(() => undefined);
      }
    }
  };
  return () => {
    if (settling) return;
    settling = true;
    void go();
  };
}
