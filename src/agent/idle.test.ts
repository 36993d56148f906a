// When a workload is judged idle, on a clock that stands still until it is moved.
import { expect, test } from "vitest";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import type { IdleRule } from "../model/launch.ts";
import { createUse } from "./idle.ts";

const rule = (idleMs: number | null): IdleRule => ({ idleMs, maxAwakeMs: null, evidence: "none" });

function watchUse(first: IdleRule) {
  const clock = createFakeClock();
  const use = createUse(clock, first, clock.now());
  const slept: string[] = [];
  const watching = use.watch(
    () => Promise.resolve([]),
    (why) => slept.push(why),
    () => {},
    new AbortController().signal,
  );
  return { clock, use, slept, watching };
}

test("a shorter idle time counts at once, not from the next look on", async () => {
  const { clock, use, slept, watching } = watchUse(rule(40 * 60_000));
  await clock.advance(5_000);
  use.setRule(rule(8_000));
  await clock.advance(2_900);
  expect(slept).toEqual([]);
  await clock.advance(200);
  expect(slept).toEqual(["No use for 8 s; the last was: waking."]);
  await watching;
});

test("a longer idle time keeps it awake, and `never` for ever", async () => {
  const { clock, use, slept } = watchUse(rule(8_000));
  await clock.advance(7_000);
  use.setRule(rule(60_000));
  await clock.advance(50_000);
  expect(slept).toEqual([]);
  use.setRule(rule(null));
  await clock.advance(10 * 60_000);
  expect(slept).toEqual([]);
  expect(use.sleepsAt()).toBeNull();
});
