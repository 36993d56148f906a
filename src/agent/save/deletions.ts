// Whether so many files can vanish and it is meant: deletions of the last minute count together.
import type { Clock } from "../../base/clock.ts";
import type { Files } from "./gone.ts";

const atOnceMs = 60_000;

export function createDeletions(clock: Clock) {
  let recent: { at: number; count: number }[] = [];
  return {
    /** False when with these more than half would be gone at once, and two or more; else they are counted. */
    allow(files: Files, lost: number): boolean {
      if (lost === 0) return true;
      recent = recent.filter(({ at }) => clock.monotonic() - at < atOnceMs);
      const before = recent.reduce((sum, { count }) => sum + count, 0);
      const of = [...files.values()].filter(({ held }) => !held).length + before;
      const count = lost + before;
      if (count >= 2 && count * 2 > of) return false;
      recent.push({ at: clock.monotonic(), count: lost });
      return true;
    },
    forget: (): void => void (recent = []),
  };
}
