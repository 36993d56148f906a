// The system's clock: timers that can be ended, and a monotonic time that only grows.
import { expect, test } from "vitest";
import { splitWait, systemClock } from "./clock.ts";

test("monotonic time never goes back", () => {
  let last = systemClock.monotonic();
  for (let round = 0; round < 10_000; round++) {
    const now = systemClock.monotonic();
    expect(now >= last).toBe(true);
    last = now;
  }
});

test("a sleep lasts no shorter than asked, by the monotonic clock", async () => {
  const began = systemClock.monotonic();
  await systemClock.sleep(20);
  // Node rounds timers down to whole milliseconds.
  expect(systemClock.monotonic() - began).toBeGreaterThanOrEqual(19);
});

test("an abort ends a sleep with the signal's reason, before it and during it", async () => {
  const reason = new Error("enough");
  const later = new AbortController();
  const asleep = systemClock.sleep(600_000, later.signal);
  later.abort(reason);
  await expect(asleep).rejects.toMatchObject({ cause: reason });
  await expect(systemClock.sleep(600_000, AbortSignal.abort(reason))).rejects.toMatchObject({
    cause: reason,
  });
});

test("a wait beyond what a timer of Node can hold is split, and not over at once", async () => {
  const monthMs = 30 * 86_400_000;
  expect([...splitWait(monthMs)]).toEqual([2 ** 31 - 1, monthMs - (2 ** 31 - 1)]);
  expect([...splitWait(0)]).toEqual([0]);
  expect(splitWait(Infinity).next()).toEqual({ done: false, value: 2 ** 31 - 1 });
  const ending = new AbortController();
  let over = false;
  const asleep = systemClock.sleep(monthMs, ending.signal).then(
    () => (over = true),
    () => undefined,
  );
  await systemClock.sleep(20);
  ending.abort();
  await asleep;
  expect(over).toBe(false);
});
