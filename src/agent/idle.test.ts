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
  const causes: string[] = [];
  const looks: number[] = [];
  const announcements: boolean[] = [];
  const ending = new AbortController();
  const watch = {
    collect: async () => {
      looks.push(clock.monotonic());
      return found();
    },
    sleep: (why: string, cause: string) => causes.push(cause) > 0 && slept.push(why) > 0,
    changed: () => void announcements.push(use.announced()),
  };
  const watching = use.watch(watch, ending.signal);
  return { clock, use, slept, causes, looks, announcements, watching, end: () => ending.abort() };
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

test("F13: a last look shows only what the looks before it did not, however the clock has jumped", async () => {
  const [kernel, other] = [Date.UTC(2030, 0, 1), Date.UTC(2030, 0, 2)];
  const { clock, use, end, watching } = watchUse(rule(40 * minute), () => [
    { source: "a kernel", at: kernel },
  ]);
  await clock.advance(minute);
  clock.jumpWall(-day);
  const known = { source: "a kernel", at: kernel };
  expect(use.listNew([known])).toEqual([]);
  clock.jumpWall(3 * day);
  expect(use.listNew([known, { source: "a kernel", at: other }, { source: "a cell", at: "now" }])).toEqual([
    { source: "a kernel", at: "now" },
    { source: "a cell", at: "now" },
  ]);
  end();
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

test("sleep is announced a minute before, looked at closely, and a use takes it back at once", async () => {
  const { clock, use, slept, causes, looks, announcements, watching } = watchUse(rule(40 * minute));
  await clock.advance(39 * minute - 1);
  expect([use.announced(), announcements]).toEqual([false, []]);
  await clock.advance(1);
  expect([use.announced(), announcements]).toEqual([true, [true]]);
  const before = looks.length;
  await clock.advance(minute / 2);
  expect(looks.length - before).toBe(6);
  use.note("somebody opened its page");
  await clock.advance(0);
  expect([use.announced(), announcements]).toEqual([false, [true, false]]);
  await clock.advance(39 * minute);
  expect(announcements).toEqual([true, false, true]);
  await clock.advance(minute);
  expect([slept.length, causes]).toEqual([1, ["idle"]]);
  await watching;
});

test("evidence that is found while sleep is announced takes it back", async () => {
  let typedAt: number | undefined;
  const { clock, announcements, slept, end } = watchUse(rule(10 * minute), () =>
    typedAt === undefined ? [] : [{ source: "somebody typed", at: typedAt }],
  );
  await clock.advance(9 * minute + 30_000);
  typedAt = clock.now();
  await clock.advance(5_000);
  expect([announcements, slept]).toEqual([[true, false], []]);
  end();
});

test("a short idle time is announced for a tenth of it", async () => {
  const { clock, use, watching } = watchUse(rule(20_000));
  await clock.advance(17_999);
  expect(use.announced()).toBe(false);
  await clock.advance(1);
  expect(use.announced()).toBe(true);
  await clock.advance(2_000);
  await watching;
});

test("the longest time awake is announced too, and it is no use that puts it off", async () => {
  const { clock, use, causes, watching } = watchUse(rule(null, 60 * minute));
  await clock.advance(59 * minute);
  use.note("somebody opened its page");
  expect([use.announced(), use.cause()]).toEqual([true, "cap"]);
  await clock.advance(minute);
  expect(causes).toEqual(["cap"]);
  await watching;
});

test("held, it stays awake; after the hold the last use counts, and the announcement is made in full", async () => {
  const { clock, use, slept, announcements, watching } = watchUse(rule(40 * minute));
  use.hold(clock.now() + 180 * minute);
  await clock.advance(120 * minute);
  expect([slept, use.blockers(), use.announced()]).toEqual([[], ["its owner keeps it awake"], false]);
  expect(use.sleepsAt()).toBe(clock.now() + 61 * minute);
  await clock.advance(60 * minute);
  expect([slept, use.blockers(), announcements]).toEqual([[], [], [true]]);
  await clock.advance(minute - 1);
  expect(slept).toEqual([]);
  await clock.advance(1);
  expect(slept).toEqual(["No use for 40 min; the last was: waking."]);
  await watching;
});

test("a hold that ends within the idle period changes nothing", async () => {
  const { clock, use, slept, watching } = watchUse(rule(40 * minute));
  use.hold(clock.now() + 20 * minute);
  await clock.advance(40 * minute - 1);
  expect(slept).toEqual([]);
  await clock.advance(1);
  expect(slept).toHaveLength(1);
  await watching;
});

test("let go, it is announced and sleeps; letting go of nothing does nothing", async () => {
  const { clock, use, slept, watching } = watchUse(rule(10 * minute));
  use.hold(null);
  expect(use.sleepsAt()).toBe(clock.now() + 10 * minute);
  use.hold(clock.now() + day);
  await clock.advance(60 * minute);
  use.hold(null);
  await clock.advance(0);
  expect(use.announced()).toBe(true);
  await clock.advance(minute - 1);
  expect(slept).toEqual([]);
  await clock.advance(1);
  expect(slept).toHaveLength(1);
  await watching;
});

test("the longest time awake ends a hold", async () => {
  const { clock, use, causes, watching } = watchUse(rule(10 * minute, 60 * minute));
  use.hold(clock.now() + day);
  await clock.advance(60 * minute);
  expect(causes).toEqual(["cap"]);
  await watching;
});

test.each([day, -day])(
  "F13: a hold is as long as it was meant, whatever the wall clock does (%d ms)",
  async (jumpMs) => {
    const { clock, use, slept, watching } = watchUse(rule(10 * minute));
    use.hold(clock.now() + 60 * minute);
    await clock.advance(minute);
    clock.jumpWall(jumpMs);
    await clock.advance(60 * minute - 1);
    expect(slept).toEqual([]);
    await clock.advance(1);
    expect(slept).toHaveLength(1);
    await watching;
  },
);

test("what keeps it awake now is named, and only that", async () => {
  let found: Evidence[] = [
    { source: "a kernel is busy (train.ipynb)", at: "now", key: "kernel 1" },
    { source: "somebody typed in a terminal", at: 0, key: "input /dev/pts/1" },
  ];
  const { clock, use, end } = watchUse(rule(10 * minute), () => found);
  await clock.advance(minute);
  expect(use.blockers()).toEqual(["a kernel is busy (train.ipynb)"]);
  found = [];
  await clock.advance(minute);
  expect(use.blockers()).toEqual([]);
  end();
});

test("a thing that was out of sight for a look is no newer for that", async () => {
  const at = createFakeClock().now() + minute;
  let hidden = false;
  const { clock, slept, watching } = watchUse(rule(10 * minute), () =>
    hidden ? [] : [{ source: "a kernel was used", at, key: "kernel 1" }],
  );
  await clock.advance(5 * minute);
  hidden = true;
  await clock.advance(minute);
  hidden = false;
  await clock.advance(5 * minute);
  expect(slept).toHaveLength(1);
  await watching;
});

test("a look that never ends counts as use, and does not outlast the longest time awake", async () => {
  const { clock, use, slept, causes, watching } = watchUse(
    rule(10 * minute, 60 * minute),
    () => new Promise<Evidence[]>(() => undefined),
  );
  await clock.advance(59 * minute);
  expect([slept, use.last().source]).toEqual([[], expect.stringContaining("nothing answered in time")]);
  await clock.advance(minute + 20_000);
  expect(causes).toEqual(["cap"]);
  await watching;
});

test("F13: with holds, jumps and uses in any order, sleep comes neither early nor late, and the cap is kept", async () => {
  const step = fc.record({
    afterMs: fc.integer({ min: 0, max: 4 * minute }),
    jumpMs: fc.constantFrom(0, day, -day, 3_000),
    what: fc.constantFrom("use", "visit", "hold", "release", "nothing"),
    holdMs: fc.integer({ min: 0, max: 20 * minute }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      let activity: number | undefined;
      const idleMs = 5 * minute;
      const capMs = 45 * minute;
      const { clock, use, slept, causes, watching } = watchUse(rule(idleMs, capMs), () =>
        activity === undefined ? [] : [{ source: "used", at: activity }],
      );
      let usedAt = 0;
      let heldUntil = -Infinity;
      const allowedAt = () => Math.min(capMs, Math.max(usedAt + idleMs, heldUntil));
      for (const { afterMs, jumpMs, what, holdMs } of steps) {
        await clock.advance(afterMs);
        if (slept.length > 0) break;
        expect(clock.monotonic()).toBeLessThanOrEqual(Math.min(capMs, allowedAt() + 2 * minute));
        clock.jumpWall(jumpMs);
        if (what === "use") activity = clock.now();
        if (what === "visit") use.note("visit");
        if (what === "use" || what === "visit") usedAt = clock.monotonic();
        if (what === "hold") use.hold(clock.now() + holdMs);
        if (what === "hold") heldUntil = clock.monotonic() + holdMs;
        if (what === "release") use.hold(null);
        if (what === "release") heldUntil = Math.min(heldUntil, clock.monotonic());
      }
      while (slept.length === 0) {
        const atMost = allowedAt() + 30_000 + 30_000; // the announcement after a hold, and a look
        if (clock.monotonic() > atMost)
          throw new Error(`still awake at ${clock.monotonic()}, not at ${atMost}`);
        await clock.advance(250);
      }
      await watching;
      expect(causes).toHaveLength(1);
      // A recorded use is dated to the last look at the earliest when the wall clock jumped: one look is 30 s.
      if (causes[0] === "idle") expect(clock.monotonic()).toBeGreaterThanOrEqual(allowedAt() - 30_000);
      else expect(clock.monotonic()).toBeGreaterThanOrEqual(capMs);
    }),
    { numRuns: 150 },
  );
});
