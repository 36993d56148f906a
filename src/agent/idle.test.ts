// When a workload is judged idle, on a clock that stands still until it is moved.
import fc from "fast-check";
import { expect, test } from "vitest";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import type { IdleRule } from "../model/launch.ts";
import { createUse, type Evidence } from "./idle.ts";

const minute = 60_000;
const day = 24 * 60 * minute;
const rule = (idleMs: number | null, maxAwakeMs: number | null = null): IdleRule => ({
  idleMs,
  maxAwakeMs,
  evidence: "none",
});

type Found = () => Evidence[] | Promise<Evidence[]>;

function watchUse(first: IdleRule, found: Found = () => [], awakeForMs = 0) {
  const clock = createFakeClock();
  const use = createUse(clock, first, clock.now() - awakeForMs);
  const slept: string[] = [];
  const ending = new AbortController();
  const watch = {
    collect: async () => found(),
    sleep: (why: string) => slept.push(why) > 0,
    changed: () => undefined,
  };
  const watching = use.watch(watch, ending.signal);
  return { clock, use, slept, watching, end: () => ending.abort() };
}

test("a full idle period begins with the wake and with each use", async () => {
  const { clock, use, slept, watching } = watchUse(rule(40 * minute));
  await clock.advance(39 * minute);
  use.note("somebody opened its page");
  await clock.advance(40 * minute - 1);
  expect(slept).toEqual([]);
  await clock.advance(1);
  expect(slept).toEqual(["No use for 40 min; the last was: somebody opened its page."]);
  await watching;
});

test("a shorter idle time counts at once, not from the next look on", async () => {
  const { clock, use, slept, watching } = watchUse(rule(40 * minute));
  await clock.advance(5_000);
  use.setRule(rule(8_000));
  await clock.advance(2_900);
  expect(slept).toEqual([]);
  await clock.advance(200);
  expect(slept).toEqual(["No use for 8 s; the last was: waking."]);
  await watching;
});

test("a longer idle time keeps it awake, and `never` for ever", async () => {
  const { clock, use, slept, end } = watchUse(rule(8_000));
  await clock.advance(7_000);
  use.setRule(rule(60_000));
  await clock.advance(50_000);
  expect(slept).toEqual([]);
  use.setRule(rule(null));
  await clock.advance(10 * minute);
  expect(slept).toEqual([]);
  expect(use.sleepsAt()).toBeNull();
  end();
});

test("an idle time beyond what a timer can hold is kept", async () => {
  const { clock, slept, watching } = watchUse(rule(30 * day));
  await clock.advance(30 * day - 1);
  expect(slept).toEqual([]);
  await clock.advance(1);
  expect(slept).toHaveLength(1);
  await watching;
});

test("what goes on counts for as long as it does, however silent", async () => {
  let busy = true;
  const { clock, slept, watching } = watchUse(rule(10 * minute), () =>
    busy ? [{ source: "a kernel is busy", at: "now" }] : [],
  );
  await clock.advance(2 * day);
  expect(slept).toEqual([]);
  busy = false;
  await clock.advance(9 * minute);
  expect(slept).toEqual([]);
  await clock.advance(minute);
  expect(slept).toEqual(["No use for 10 min; the last was: a kernel is busy."]);
  await watching;
});

test("what cannot be found out counts as use", async () => {
  const { clock, use, slept, end } = watchUse(rule(10 * minute), () => Promise.reject(new Error("no token")));
  await clock.advance(day);
  expect(slept).toEqual([]);
  expect(use.last().source).toContain("no token");
  end();
});

test("the longest time awake ends it, busy or not, also when an earlier agent saw it wake", async () => {
  const busy = (): Evidence[] => [{ source: "a kernel is busy", at: "now" }];
  const { clock, slept, watching } = watchUse(rule(10 * minute, 120 * minute), busy, 60 * minute);
  await clock.advance(59 * minute);
  expect(slept).toEqual([]);
  await clock.advance(minute);
  expect(slept).toEqual(["It was awake for 120 min, the longest allowed."]);
  await watching;
});

test("who cannot put it to sleep now is asked again, and not in a tight loop", async () => {
  const clock = createFakeClock();
  const use = createUse(clock, rule(minute), clock.now());
  let asked = 0;
  const sleep = () => (asked += 1) === 3;
  const watching = use.watch(
    { collect: async () => [], sleep, changed: () => undefined },
    new AbortController().signal,
  );
  await clock.advance(minute + 13_000);
  expect(asked).toBe(3);
  await watching;
});

test.each([day, -day, 3 * 365 * day])(
  "F13: a wall clock that jumps by %d ms neither ends nor prolongs anything",
  async (jumpMs) => {
    let activity: number | undefined;
    const found = (): Evidence[] =>
      activity === undefined ? [] : [{ source: "a kernel was used", at: activity }];
    const { clock, slept, watching } = watchUse(rule(40 * minute, 10 * day), found);
    await clock.advance(10 * minute);
    activity = clock.now();
    await clock.advance(minute);
    clock.jumpWall(jumpMs);
    await clock.advance(38 * minute);
    expect(slept).toEqual([]);
    activity = clock.now(); // used again, 39 minutes after the first time
    await clock.advance(39 * minute);
    expect(slept).toEqual([]);
    await clock.advance(minute);
    expect(slept).toEqual(["No use for 40 min; the last was: a kernel was used."]);
    await watching;
  },
);

test("F13: whatever jumps between, a use is followed by a full idle period, and sleep comes at most one look later", async () => {
  const event = fc.record({
    afterMs: fc.integer({ min: 0, max: 8 * minute }),
    jumpMs: fc.integer({ min: -day, max: day }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 8 }), async (events) => {
      let activity: number | undefined;
      const found = (): Evidence[] => (activity === undefined ? [] : [{ source: "used", at: activity }]);
      const { clock, slept, watching } = watchUse(rule(10 * minute), found);
      for (const { afterMs, jumpMs } of events) {
        await clock.advance(afterMs);
        clock.jumpWall(jumpMs);
        activity = clock.now();
        await clock.advance(minute);
        expect(slept).toEqual([]);
      }
      const afterUse = events.length === 0 ? 0 : minute;
      await clock.advance(10 * minute - afterUse - 30_000);
      expect(slept).toEqual([]);
      await clock.advance(60_000);
      expect(slept).toHaveLength(1);
      await watching;
    }),
    { numRuns: 200 },
  );
});
