// Estimates of a wake from earlier ones.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { estimateWake } from "./wake-estimate.ts";

const s = (...seconds: number[]) => seconds.map((value) => value * 1000);

describe("wake estimates", () => {
  test.each<[string, number[], number, string, number, number | null]>([
    ["nothing known", [], 0, "1-3 min", 5, null],
    ["nothing known, under way", [], 40, "1-3 min", 5, null],
    ["a local lab", s(1.8, 2.1, 1.9), 0, "3 s", 2, 3],
    ["a slower one", s(14, 22), 0, "25 s", 14, 22],
    ["at the edge of seconds", s(90), 0, "90 s", 90, 90],
    ["a cloud machine", s(70, 100, 130, 95), 0, "1-3 min", 70, 130],
    ["a steady cloud machine", s(110, 115, 118), 0, "1-2 min", 110, 118],
    ["to the minute", s(120, 120), 0, "2 min", 120, 120],
    ["one that pulls an image", s(400, 500), 0, "6-9 min", 400, 500],
    ["under way", s(60, 60), 50, "15 s", 13, 13],
    ["overdue", s(2), 40, "10 s", 10, 10],
    ["a clock that was set back", s(2), -86_400, "2 s", 2, 2],
    ["one bad day in ten", s(2, 2, 2, 2, 2, 2, 2, 2, 2, 600), 0, "2 s", 2, 2],
    ["a past it has left behind", [...s(600, 600, 600), ...s(3, 3, 3, 3, 3, 3, 3, 3, 3, 3)], 0, "3 s", 3, 3],
    ["nonsense in the record", [Number.NaN, -5, 0, Number.POSITIVE_INFINITY], 0, "1-3 min", 5, null],
  ])("%s", (_, earlier, elapsed, phrase, retryAfterSeconds, etaSeconds) => {
    expect(estimateWake(earlier, elapsed * 1000)).toEqual({ phrase, retryAfterSeconds, etaSeconds });
  });

  test("always promise a moment that lies ahead, in the sentence's form", () => {
    const durations = fc.array(fc.integer({ min: 1, max: 3_600_000 }), { minLength: 1 });
    fc.assert(
      fc.property(durations, fc.integer({ min: 0, max: 7_200_000 }), (earlier, elapsed) => {
        const { phrase, retryAfterSeconds, etaSeconds } = estimateWake(earlier, elapsed);
        expect(phrase).toMatch(/^[1-9]\d* s$|^[1-9]\d*(?:-[1-9]\d*)? min$/);
        expect(retryAfterSeconds).toBeGreaterThanOrEqual(1);
        expect(etaSeconds).toBeGreaterThanOrEqual(retryAfterSeconds);
      }),
    );
  });
});
