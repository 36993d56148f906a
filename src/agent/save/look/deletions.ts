// Whether so many files can vanish and it is meant: deletions of the last minute count together.
import type { Clock } from "../../../base/clock.ts";
import type { HeldDeletions } from "../../../model/save.ts";
import { findLost, type Files } from "./gone.ts";

const atOnceMs = 60_000;

export function createDeletions(clock: Clock) {
  let recent: { at: number; count: number }[] = [];

  return {
    /**
     * With these more than half would be gone at once, and two or more: then they are held, unless their content is in
     * the next save under another name. What was held before stays so.
     * @param oids of what the next save adds
     * @returns also how many are lost for ever
     */
    judge(
      files: Files,
      gone: readonly string[],
      oids: Iterable<string>,
    ): { remove: ReadonlySet<string>; hold: string[]; lost: number } {
      const remove = new Set(gone.filter((path) => files.get(path)?.held !== true));
      const lost = findLost(files, [...remove], oids);
      if (lost.length === 0) return { remove, hold: [], lost: 0 };
      recent = recent.filter(({ at }) => clock.monotonic() - at < atOnceMs);
      const before = recent.reduce((sum, { count }) => sum + count, 0);
      const of = files.size - countHeld(files) + before;
      const count = lost.length + before;
      if (count < 2 || count * 2 <= of) return { remove, hold: [], lost: lost.length };
      for (const path of lost) remove.delete(path);
      return { remove, hold: lost, lost: 0 };
    },
    /** They are removed by a save that is made. */
    count: (lost: number): void => void recent.push({ at: clock.monotonic(), count: lost }),
    /** What vanished before counts no more. */
    forget: (): void => void (recent = []),
  };
}

export function describeHeld(files: Files): HeldDeletions | null {
  const gone = countHeld(files);
  if (gone === 0) return null;
  return {
    gone,
    of: files.size,
    why: `${gone} of ${files.size} saved files vanished from the workspace at once`,
  };
}

function countHeld(files: Files): number {
  let count = 0;
  for (const { held } of files.values()) if (held) count += 1;
  return count;
}
