// When saves are due: soon after a pause, regularly without one; tries at a dead remote become seldom.
import fc from "fast-check";
import { expect, test } from "vitest";
import { backoffMs, dueAt, type Writing } from "./pace.ts";

const everyMs = 10_000;
type Change = Omit<Writing, "lastSaveAt">;
const gaps = (most: number) => fc.array(fc.integer({ min: 1, max: most }), { minLength: 1, maxLength: 300 });

/** Saves as a loop does that looks at every moment. @returns the moments of the writes and of the saves */
function play(gapsMs: readonly number[]): { writes: number[]; saves: number[] } {
  const writes: number[] = [];
  const saves: number[] = [];
  let change: Change | null = null;
  let lastSaveAt = -Infinity;
  let now = 0;
  const saveUntil = (until: number) => {
    while (change) {
      const due = Math.max(now, dueAt({ ...change, lastSaveAt }, everyMs));
      if (due > until) return;
      saves.push(due);
      [now, lastSaveAt, change] = [due, due, null];
    }
  };
  for (const gapMs of gapsMs) {
    const at = now + gapMs;
    const next: number = Math.max(at, writes.at(-1) ?? 0);
    saveUntil(next);
    writes.push(next);
    now = next;
    const begun: Omit<Change, "lastChangeAt"> = (change as Change | null) ?? {
      earlierAt: writes.at(-2) ?? -Infinity,
      firstChangeAt: next,
    };
    change = { ...begun, lastChangeAt: next };
  }
  saveUntil(Infinity);
  return { writes, saves };
}

test("what is written is saved within 2 s when writing pauses", () => {
  fc.assert(
    fc.property(gaps(30_000), (gapsMs) => {
      const { writes, saves } = play(gapsMs);
      for (const [index, at] of writes.entries()) {
        const pauseMs = (writes[index + 1] ?? Infinity) - at;
        if (pauseMs < 2_000) continue;
        expect(saves.some((save) => save >= at && save <= at + 2_000)).toBe(true);
      }
    }),
  );
});

test("under constant writing: at most every `everyMs`, and at least that often", () => {
  fc.assert(
    fc.property(gaps(299), (gapsMs) => {
      const { writes, saves } = play(gapsMs);
      for (const at of writes) expect(saves.some((save) => save >= at && save <= at + everyMs)).toBe(true);
      const during = saves.filter((save) => save < (writes.at(-1) ?? 0));
      for (const [index, save] of during.entries())
        expect(save - (during[index - 1] ?? -Infinity)).toBeGreaterThanOrEqual(everyMs);
    }),
  );
});

test("a save is never due before the change that it is for", () => {
  const moment = fc.integer({ min: 0, max: 1e9 });
  fc.assert(
    fc.property(moment, moment, moment, moment, (one, other, third, lastSaveAt) => {
      const [earlierAt = 0, firstChangeAt = 0, lastChangeAt = 0] = [one, other, third].toSorted(
        (a, b) => a - b,
      );
      const due = dueAt({ earlierAt, firstChangeAt, lastChangeAt, lastSaveAt }, everyMs);
      expect(due).toBeGreaterThan(firstChangeAt);
      expect(due).toBeLessThanOrEqual(lastChangeAt + 2_000);
    }),
  );
});

test("F8: tries at a dead remote become seldom, but never more seldom than every 5 min", () => {
  expect([1, 2, 3].map(backoffMs)).toEqual([2_000, 4_000, 8_000]);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e6 }), (failures) => {
      expect(backoffMs(failures + 1)).toBeGreaterThanOrEqual(backoffMs(failures));
      expect(backoffMs(failures)).toBeLessThanOrEqual(300_000);
    }),
  );
  expect(backoffMs(1e6)).toBe(300_000);
});
