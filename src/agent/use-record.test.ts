// Spans of use: what is merged, what closes them, and what jumps of the wall clock and a kill leave of them.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import type { IdleRule } from "../model/launch.ts";
import type { UseSpan } from "../model/status.ts";
import { openAgentState } from "../state/agent-state.ts";
import { createUse, type Evidence } from "./idle.ts";
import { createUseRecord } from "./use-record.ts";

const minute = 60_000;
const day = 24 * 60 * minute;
const folder = mkdtempSync(join(tmpdir(), "sesta-uses-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let count = 0;

function record(idleMs: number | null, found: () => Evidence[]) {
  const clock = createFakeClock();
  const state = openAgentState(join(folder, `${(count += 1)}.db`));
  const closed: UseSpan[] = [];
  const failures: unknown[] = [];
  const broken = { now: false };
  const fail = (): never => {
    throw new Error("the disk is full");
  };
  const uses = createUseRecord({
    clock,
    state: {
      growUse: (...span) => (broken.now ? fail() : state.growUse(...span)),
      closeUse: (...span) => (broken.now ? fail() : state.closeUse(...span)),
    },
    workload: "notebook",
    closed: (span) => closed.push(span),
    failed: (error) => failures.push(error),
  });
  const rule: IdleRule = { idleMs, maxAwakeMs: null, evidence: "none" };
  const use = createUse(clock, rule, clock.now(), uses);
  const ending = new AbortController();
  const watching = use.watch(
    { collect: async () => found(), sleep: () => true, changed: () => undefined },
    ending.signal,
  );
  const began = clock.now();
  const short = (spans: readonly UseSpan[]) =>
    spans.map(({ source, from, to }) => [source, (from - began) / minute, (to - began) / minute]);
  const end = async () => {
    ending.abort();
    await watching;
  };
  return { clock, state, use, closed, failures, broken, short, end, watching };
}

test("what goes on is one span, in pieces of ten minutes that leave no gap", async () => {
  let busy = false;
  const { clock, state, closed, short, end } = record(null, () =>
    busy ? [{ source: "a kernel is busy (a.ipynb)", at: "now", key: "kernel 1" }] : [],
  );
  await clock.advance(minute);
  busy = true;
  await clock.advance(25 * minute);
  const words = "a kernel is busy (a.ipynb)";
  expect(short(state.usesAfter(0))).toEqual([
    [words, 1.5, 11.5],
    [words, 11.5, 21.5],
  ]);
  expect(state.usesAfter(0, true).at(-1)).toMatchObject({ seq: 0, source: words });
  busy = false;
  await clock.advance(2 * minute);
  expect(short(closed)).toEqual([
    [words, 1.5, 11.5],
    [words, 11.5, 21.5],
    [words, 21.5, 26],
  ]);
  expect(state.usesAfter(0, true)).toEqual(closed);
  await end();
});

test("uses close together are one span under the words that say most; a pause begins another", async () => {
  let evidence: Evidence[] = [];
  const { clock, use, state, short, end } = record(10 * minute, () => evidence);
  use.note("somebody opened its page");
  await clock.advance(minute);
  evidence = [{ source: "a kernel is busy", at: "now", key: "kernel 1" }];
  await clock.advance(minute);
  evidence = [{ source: "a kernel was used", at: clock.now(), key: "kernel 1" }];
  await clock.advance(5 * minute);
  evidence = [{ source: "a kernel was used", at: clock.now(), key: "kernel 1" }];
  await clock.advance(5 * minute);
  expect(short(state.usesAfter(0))).toEqual([
    ["a kernel is busy", 1.5, 2],
    ["a kernel was used", 7, 7],
  ]);
  await end();
});

test("the door's visits are spans of their own", async () => {
  const { clock, use, state, short, watching } = record(10 * minute, () => []);
  await clock.advance(minute);
  for (let visit = 0; visit < 5; visit++) {
    use.note("somebody opened its page");
    await clock.advance(30_000);
  }
  await clock.advance(10 * minute);
  await watching;
  expect(short(state.usesAfter(0))).toEqual([["somebody opened its page", 1, 3]]);
});

test("a sleep closes what is open, with numbers in the order of their ends", async () => {
  const evidence: Evidence[] = [
    { source: "one", at: "now" },
    { source: "two", at: "now" },
  ];
  const { clock, state, end } = record(null, () => evidence);
  await clock.advance(5 * minute);
  expect(state.usesAfter(0)).toEqual([]);
  expect(state.usesAfter(0, true).map(({ source }) => source)).toEqual(["one", "two"]);
  await end();
  expect(state.usesAfter(0).map(({ seq, source }) => [seq, source])).toEqual([
    [1, "one"],
    [2, "two"],
  ]);
  expect(state.usesAfter(1)).toHaveLength(1);
});

test("F7: a disk that is full loses no span, once there is room again", async () => {
  let busy = true;
  const { clock, broken, failures, state, short, end } = record(null, () =>
    busy ? [{ source: "a kernel is busy", at: "now" }] : [],
  );
  broken.now = true;
  await clock.advance(5 * minute);
  busy = false;
  await clock.advance(5 * minute);
  expect([state.usesAfter(0, true), failures.length > 0]).toEqual([[], true]);
  broken.now = false;
  await clock.advance(minute);
  expect(short(state.usesAfter(0))).toEqual([["a kernel is busy", 0.5, 5]]);
  await end();
});

test("F13: no jump of the wall clock makes a span negative, long, or unlike the time that passed", async () => {
  const step = fc.record({
    forMs: fc.integer({ min: 0, max: 15 * minute }),
    jumpMs: fc.constantFrom(0, day, -day, 365 * day, -1),
    what: fc.constantFrom("busy", "idle", "used", "visit"),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
      let evidence: Evidence[] = [];
      const { clock, use, state, end } = record(null, () => evidence);
      for (const { forMs, jumpMs, what } of steps) {
        if (what === "busy") evidence = [{ source: "busy", at: "now", key: "kernel" }];
        if (what === "idle") evidence = [];
        if (what === "used") evidence = [{ source: "used", at: clock.now(), key: "kernel" }];
        if (what === "visit") use.note("visit");
        await clock.advance(forMs);
        clock.jumpWall(jumpMs);
      }
      await end();
      const spans = state.usesAfter(0);
      state.close();
      const total = spans.reduce((sum, { from, to }) => sum + to - from, 0);
      expect(total).toBeLessThanOrEqual(2 * clock.monotonic()); // two sources at once
      for (const { from, to } of spans) {
        expect(to).toBeGreaterThanOrEqual(from);
        expect(to - from).toBeLessThanOrEqual(12 * minute);
      }
    }),
    { numRuns: 60 },
  );
});
