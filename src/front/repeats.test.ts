// What a page refreshes by itself is no use of it; what was not asked before is.
import { expect, test } from "vitest";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import { createRepeats } from "./repeats.ts";

const ask = (target: string, body: number | undefined = undefined) => ({
  method: body === undefined ? "GET" : "POST",
  target,
  body,
});

test("a page that refreshes itself for hours is new once; what somebody opens in it is new", async () => {
  const clock = createFakeClock();
  const repeats = createRepeats(clock);
  const polls = [ask("/ajax-api/2.0/mlflow/runs/search", 120), ask("/ajax-api/2.0/mlflow/runs/get?run_id=1")];
  expect(polls.map(repeats.isNew)).toEqual([true, true]);
  for (let minute = 0; minute < 180; minute += 1) {
    await clock.advance(60_000);
    expect(polls.map(repeats.isNew)).toEqual([false, false]);
  }
  expect(repeats.isNew(ask("/ajax-api/2.0/mlflow/runs/get?run_id=2"))).toBe(true);
  expect(repeats.isNew(ask("/ajax-api/2.0/mlflow/runs/search", 121))).toBe(true);
});

test("somebody who comes back to the same after a while did something; the page's own files say nothing", async () => {
  const clock = createFakeClock();
  const repeats = createRepeats(clock);
  const one = ask("/ajax-api/2.0/mlflow/experiments/get?experiment_id=1");
  expect(repeats.isNew(one)).toBe(true);
  await clock.advance(4 * 60_000);
  expect(repeats.isNew(one)).toBe(true);
  expect(repeats.isNew(ask("/static-files/lib/main.js"))).toBe(false);
});
