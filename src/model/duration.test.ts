// Durations: what is one, what is none, and back to text.
import fc from "fast-check";
import { expect, test } from "vitest";
import { durationPattern, findDurationMs, formatDuration } from "./duration.ts";

test.each([
  ["10s", 10_000],
  ["40m", 2_400_000],
  ["1h30m", 5_400_000],
  ["3d", 259_200_000],
  ["1d2h3m4s", 93_784_000],
  ["0s", 0],
  ["007m", 420_000],
])("%s is %i ms", (text, ms) => expect(findDurationMs(text)).toBe(ms));

test.each([
  "",
  "40",
  "m",
  "40 m",
  "40M",
  "1.5h",
  "-1m",
  "30m1h",
  "5m5m",
  "40min",
  "1w",
  "10ms",
  "40m\n",
  "٤m",
])("%j is no duration", (text) => expect(findDurationMs(text)).toBeUndefined());

test("what is formatted reads back as the same time", () => {
  fc.assert(
    fc.property(fc.nat(400 * 86_400), (seconds) => {
      const text = formatDuration(seconds * 1000);
      expect(findDurationMs(text)).toBe(seconds * 1000);
      expect(text).toMatch(durationPattern);
    }),
  );
});
