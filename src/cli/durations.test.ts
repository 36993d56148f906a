// Durations and times as people read them.
import fc from "fast-check";
import { expect, test } from "vitest";
import { formatMs, formatTime } from "./durations.ts";

test.each([
  [0, "0.0 s"],
  [849, "0.8 s"],
  [9_940, "9.9 s"],
  [9_999, "10 s"],
  [10_000, "10 s"],
  [12_400, "12 s"],
  [59_499, "59 s"],
  [59_500, "1 min"],
  [60_000, "1 min"],
  [200_000, "3 min 20 s"],
  [3_599_600, "1 h"],
  [3_600_000, "1 h"],
  [7_500_000, "2 h 5 min"],
  [48 * 3_600_000, "2 d"],
  [100 * 3_600_000, "4 d"],
])("%d ms is %s", (ms, text) => {
  expect(formatMs(ms)).toBe(text);
});

test("the words say about as long as it was, in units that do not overflow", () => {
  const unitMs = { s: 1_000, min: 60_000, h: 3_600_000, d: 86_400_000 };
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 365 * 86_400_000 }), (ms) => {
      const parts = [...formatMs(ms).matchAll(/([\d.]+) (s|min|h|d)/g)].map(([, count, unit]) => ({
        count: Number(count),
        unit: unitMs[unit as keyof typeof unitMs],
      }));
      const said = parts.reduce((sum, { count, unit }) => sum + count * unit, 0);
      expect(Math.abs(said - ms)).toBeLessThan(parts.at(-1)?.unit ?? 0);
      for (const { count, unit } of parts) if (unit < unitMs.h) expect(count).toBeLessThan(60);
    }),
  );
});

test("a time is shown in the user's own zone", () => {
  const at = new Date(2026, 2, 1, 14, 5, 9).getTime(); // local
  expect(formatTime(at)).toBe("2026-03-01 14:05:09");
});
