// The simulator of bench/idle: hand-made hours with answers that can be worked out by hand, for each rule.
import { expect, test } from "vitest";
import { buildTimeline, kinds } from "../bench/idle/people.ts";
import { parseHistory, replay } from "../bench/idle/replay.ts";
import { createJupyterCulling } from "../bench/idle/rules/jupyter-culling.ts";
import { createJupyterHub } from "../bench/idle/rules/jupyterhub.ts";
import { createOracle } from "../bench/idle/rules/oracle.ts";
import { createOriginalCode, createOriginalReadme } from "../bench/idle/rules/original.ts";
import { createSesta } from "../bench/idle/rules/sesta.ts";
import { simulate, type Rule } from "../bench/idle/simulate.ts";
import type { Code, Timeline } from "../bench/idle/timeline.ts";

const minute = 60_000;
const idleMs = 20 * minute;
const oracle = createOracle(idleMs);
const sesta = createSesta(idleMs);
const hub = createJupyterHub(idleMs);
const culling = createJupyterCulling(idleMs);
const readme = createOriginalReadme(idleMs);
const code = createOriginalCode(idleMs, true);
const deployed = createOriginalCode(idleMs, false);

/** Two hours in which somebody opens the page in the tenth minute. */
function twoHours(more: Partial<Timeline>): Timeline {
  const visit = [{ at: 10 * minute, via: "visit" }] as const;
  return { endMs: 120 * minute, actions: visit, code: [], present: [], tabs: [], outages: [], ...more };
}

function running(where: Code["where"], from: number, to: number, outputEveryMs: number | null = null): Code {
  return { where, from: from * minute, to: to * minute, outputEveryMs };
}

async function live(timeline: Timeline, rule: Rule) {
  const { awakeMs, cutCode, cutCodeMs, cutPeople, wakes } = await simulate(timeline, rule);
  return { awake: awakeMs / minute, cutCode, lost: cutCodeMs / minute, cutPeople, wakes };
}

const silentCell = twoHours({ code: [running("kernel", 10, 80)] });

test("a silent cell of 70 minutes: oracle, Sesta and the original's rules see it out, to within their own looks", async () => {
  const whole = { cutCode: 0, lost: 0, cutPeople: 0, wakes: 1 };
  expect(await live(silentCell, oracle)).toEqual({ awake: 90, ...whole });
  expect(await live(silentCell, readme)).toEqual({ awake: 90, ...whole });
  expect(await live(silentCell, code)).toEqual({ awake: 91, ...whole });
  const { awake, ...rest } = await live(silentCell, sesta);
  expect(rest).toEqual(whole);
  expect(awake).toBeGreaterThanOrEqual(89.5);
  expect(awake).toBeLessThanOrEqual(90.5);
});

test("a silent cell with its page closed is culled by JupyterHub, after the timeout and before a check and a report more", async () => {
  const { cutCode, awake, lost } = await live(silentCell, hub);
  expect(cutCode).toBe(1);
  expect(lost).toBe(awake);
  expect(awake).toBeGreaterThanOrEqual(20);
  expect(awake).toBeLessThanOrEqual(30);
});

test("a refused question is taken for idleness: the machine stops with its first look", async () => {
  expect(await live(silentCell, deployed)).toEqual({
    awake: 21,
    cutCode: 1,
    lost: 21,
    cutPeople: 0,
    wakes: 1,
  });
});

test("a cell that prints is activity for JupyterHub too", async () => {
  const printing = twoHours({ code: [running("kernel", 10, 80, 2 * minute)] });
  const { cutCode, awake } = await live(printing, hub);
  expect(cutCode).toBe(0);
  expect(awake).toBeGreaterThanOrEqual(84);
  expect(awake).toBeLessThanOrEqual(105);
});

test("an open page that nobody looks at keeps a server of JupyterHub and of Jupyter, and nothing else", async () => {
  const forgotten = twoHours({ tabs: [{ from: 10 * minute, to: 120 * minute }] });
  expect((await live(forgotten, hub)).awake).toBe(110);
  expect((await live(forgotten, culling)).awake).toBe(110);
  expect((await live(forgotten, oracle)).awake).toBe(20);
  expect((await live(forgotten, readme)).awake).toBe(20);
  expect(Math.abs((await live(forgotten, sesta)).awake - 20)).toBeLessThanOrEqual(0.5);
});

test("a silent program in a terminal is running code for oracle and Sesta only", async () => {
  const program = twoHours({ code: [running("terminal", 10, 60)] });
  expect(await live(program, oracle)).toMatchObject({ awake: 70, cutCode: 0 });
  expect(await live(program, sesta)).toMatchObject({ cutCode: 0, wakes: 1 });
  expect(await live(program, readme)).toMatchObject({ awake: 20, cutCode: 1, lost: 20 });
  expect(await live(program, code)).toMatchObject({ awake: 21, cutCode: 1, lost: 21 });
  expect((await live(program, hub)).cutCode).toBe(1);
  expect(await live(program, culling)).toMatchObject({ cutCode: 1, lost: 25 });
});

test("a job in the background keeps Sesta awake where busy processors count", async () => {
  const job = twoHours({ code: [running("background", 10, 60)] });
  const counting = createSesta(idleMs, { cpuPercent: 20, forMs: 5 * minute });
  expect(await live(job, counting)).toMatchObject({ cutCode: 0, wakes: 1 });
  expect(Math.abs((await live(job, counting)).awake - 70)).toBeLessThanOrEqual(0.5);
});

test("no answer from Jupyter: idleness for the original's code, use for Sesta", async () => {
  const outage = { ...silentCell, outages: [{ from: 40 * minute, to: 42 * minute }] };
  expect(await live(outage, code)).toMatchObject({ awake: 30, cutCode: 1, lost: 30 });
  expect(await live(outage, sesta)).toMatchObject({ cutCode: 0, wakes: 1 });
});

test("Jupyter's own culling waits twice: for the kernel, and after its end for the server", async () => {
  const cell = twoHours({
    actions: [{ at: 10 * minute, via: "kernel" }],
    code: [running("kernel", 10, 10.5)],
  });
  expect((await live(cell, culling)).awake).toBe(25 + 21);
});

test("somebody who reads for longer than the idle time is cut off by every rule that cannot see readers", async () => {
  const actions = [10, 50].map((at) => ({ at: at * minute, via: "save" }) as const);
  const reading = twoHours({ actions, present: [{ from: 10 * minute, to: 50 * minute }] });
  expect(await live(reading, oracle)).toMatchObject({ awake: 60, cutPeople: 0, wakes: 1 });
  for (const rule of [sesta, readme, hub])
    expect(await live(reading, rule)).toMatchObject({ cutPeople: 1, wakes: 2 });
  const tabs = [{ from: 10 * minute, to: 50 * minute }];
  expect(await live({ ...reading, tabs }, hub)).toMatchObject({ cutPeople: 0, wakes: 1 });
});

test.each(Object.keys(kinds))(
  "an oracle never cuts, and the same seed is the same week: %s",
  async (kind) => {
    for (const seed of [1, 2, 3]) {
      const timeline = buildTimeline(kind, seed);
      expect(timeline).toEqual(buildTimeline(kind, seed));
      expect(timeline).not.toEqual(buildTimeline(kind, seed + 1));
      expect(await simulate(timeline, createOracle(40 * minute))).toMatchObject({ cutCode: 0, cutPeople: 0 });
    }
  },
);

test.each(Object.keys(kinds))("whatever runs where Sesta looks is never cut: %s", async (kind) => {
  const timeline = buildTimeline(kind, 7);
  const counting = createSesta(40 * minute, { cpuPercent: 20, forMs: 5 * minute });
  expect((await simulate(timeline, counting)).cutCode).toBe(0);
});

const recorded = JSON.stringify({
  events: [
    { at: "2030-01-01T10:00:00Z", workload: "lab", from: "asleep", to: "waking", why: "", by: "visitor" },
    { at: "2030-01-01T10:01:00Z", workload: "lab", from: "waking", to: "awake", why: "", by: "agent" },
    { at: "2030-01-01T12:00:00Z", workload: "lab", from: "awake", to: "sleeping", why: "", by: "agent" },
    { at: "2030-01-01T12:50:00Z", workload: "lab", from: "asleep", to: "waking", why: "", by: "visitor" },
    { at: "2030-01-01T13:30:00Z", workload: "lab", from: "awake", to: "sleeping", why: "", by: "agent" },
    { at: "2030-01-01T13:30:05Z", workload: "lab", from: "sleeping", to: "asleep", why: "", by: "agent" },
  ],
  use: [
    { workload: "lab", source: "a cell", from: "2030-01-01T10:02:00Z", to: "2030-01-01T10:30:00Z" },
    { workload: "lab", source: "a save", from: "2030-01-01T11:00:00Z", to: "2030-01-01T11:20:00Z" },
    { workload: "other", source: "a save", from: "2030-01-01T12:10:00Z", to: "2030-01-01T12:11:00Z" },
  ],
});

test("a record replayed under its own timer gives back the hours that were", () => {
  const { awakeMs, wouldBeAwakeMs, wakes, interruptions, sparedWakes } = replay(
    parseHistory(recorded),
    "lab",
    40 * minute,
  );
  expect({ awakeMs, wouldBeAwakeMs, wakes }).toEqual({
    awakeMs: 160 * minute,
    wouldBeAwakeMs: 160 * minute,
    wakes: 2,
  });
  expect({ interruptions, sparedWakes }).toEqual({ interruptions: [], sparedWakes: 0 });
});

test("a shorter timer replayed: fewer hours, and the use that would have met a sleeping lab", () => {
  const found = replay(parseHistory(recorded), "lab", 20 * minute);
  expect(found.wouldBeAwakeMs).toBe((50 + 40 + 20) * minute);
  expect(found.interruptions).toEqual([
    { at: Date.UTC(2030, 0, 1, 11), source: "a save", idleMs: 30 * minute },
  ]);
});

test("a longer timer replayed: more hours, and the wake that nobody would have waited for", () => {
  const found = replay(parseHistory(recorded), "lab", 100 * minute);
  expect(found).toMatchObject({ interruptions: [], sparedWakes: 1 });
  expect(found.wouldBeAwakeMs).toBe((3 * 60 + 30) * minute + 5_000);
});

test("somebody's own sleep ends every timer", () => {
  const history = parseHistory(recorded);
  const events = history.events.map((event) => (event.to === "sleeping" ? { ...event, by: "owner" } : event));
  expect(replay({ ...history, events }, "lab", 100 * minute)).toMatchObject({
    wouldBeAwakeMs: 160 * minute,
    sparedWakes: 0,
    interruptions: [],
  });
});
