// When a certificate is asked for, and how seldom where that fails.
import { expect, test } from "vitest";
import { mayTryAgain, untilNextTry } from "./renewal.ts";

const day = 86_400_000;
const minute = 60_000;
const now = 1_800_000_000_000;
const fresh = { from: now, until: now + 90 * day };
const kept = { failures: 0, triedAt: 0 };

test("at once without one, and with a third of its time left", () => {
  expect(untilNextTry(undefined, undefined, now)).toBe(0);
  expect(untilNextTry(kept, fresh, now)).toBe(60 * day);
  expect(untilNextTry(kept, { from: now - 61 * day, until: now + 29 * day }, now)).toBe(0);
  expect(untilNextTry(kept, { from: now - 5 * day, until: now + day }, now)).toBe(0);
});

test("F13: a clock that is years ahead, or a certificate that is over already, asks no CA again and again", () => {
  const late = { from: now - 400 * day, until: now - 310 * day };
  expect(untilNextTry({ failures: 0, triedAt: now }, late, now)).toBe(9 * day);
  expect(untilNextTry({ failures: 0, triedAt: now - 10 * day }, late, now)).toBe(0);
});

test("a try that failed rests, longer each time: five of them take more than an hour", () => {
  const rests = [1, 2, 3, 4, 5, 6, 100].map(
    (failures) => untilNextTry({ failures, triedAt: now }, undefined, now) / minute,
  );
  expect(rests).toEqual([1, 10, 30, 60, 240, 240, 240]);
  expect(untilNextTry({ failures: 1, triedAt: now - 2 * minute }, undefined, now)).toBe(0);
});

test("F13: a clock that jumps makes nobody wait longer than that", () => {
  expect(untilNextTry({ failures: 2, triedAt: now + 400 * day }, undefined, now)).toBe(10 * minute);
  expect(untilNextTry({ failures: 2, triedAt: now - 400 * day }, undefined, now)).toBe(0);
  expect(mayTryAgain({ triedAt: now + 400 * day }, now)).toBe(true);
  expect([mayTryAgain({ triedAt: now }, now), mayTryAgain({ triedAt: now - minute }, now)]).toEqual([
    false,
    true,
  ]);
});
