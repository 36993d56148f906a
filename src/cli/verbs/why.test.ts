// The lines of `why`: the last evidence, when it sleeps, what keeps it awake, and a hold with its reason.
import { expect, test } from "vitest";
import type { IdleRule } from "../../model/launch.ts";
import type { Report } from "../../model/status.ts";
import { buildExplanation } from "../../operations/why.ts";
import { buildAbsent } from "../../targets/absent.ts";
import { describeWhy } from "./why.ts";

const now = Date.parse("2026-11-20T14:00:00Z");
const rule: IdleRule = { idleMs: 2_400_000, maxAwakeMs: null, evidence: "jupyter" };
const awake: Report = {
  ...buildAbsent("nb", now - 3_600_000),
  state: "awake",
  why: "Jupyter Lab answers.",
  lastUse: { at: now - 600_000, source: "kernel analysis.ipynb is busy" },
  sleepsAt: now + 1_800_000,
};
const linesOf = (report: Report, idle: IdleRule | undefined = rule) =>
  describeWhy(buildExplanation(report, idle), now, (_, text) => text);

test("the last evidence with its source and time, when it sleeps, and what would keep it", () => {
  expect(linesOf(awake)).toEqual([
    "nb is awake, for 1 h: Jupyter Lab answers.",
    expect.stringMatching(
      /^last use: kernel analysis\.ipynb is busy, 10 min ago, at 2026-11-2\d \d\d:50:00$/,
    ),
    expect.stringMatching(/^sleeps in 30 min, at 2026-11-2\d \d\d:30:00, unless it is used$/),
    "what keeps it awake: running code, typing in a terminal, saving a file, opening its pages, `sesta awake nb --for 3h`",
  ]);
});

test("the user's own signs are named as well", () => {
  const keepAwake = { cpuPercent: 50, gpuPercent: 20, forMs: 300_000, command: "./busy.sh" };
  const text = linesOf(awake, { ...rule, keepAwake, maxAwakeMs: 1 }).join("\n");
  for (const part of [
    "50 % of a core for 5m",
    "20 % of a GPU for 5m",
    "`./busy.sh` that ends with 0",
    "(up to max_awake)",
  ])
    expect(text).toContain(part);
});

test("a hold, until when and why, and how to let go", () => {
  const lines = linesOf({ ...awake, sleepsAt: null, hold: { until: now + 7_200_000, reason: "training" } });
  expect(lines).toContainEqual(expect.stringMatching(/^held awake until 2026-11-2\d \d\d:00:00: training$/));
  expect(lines).toContain("  `sesta awake nb --until-idle` lets go");
});

test("going to sleep: the step; never sleeping by itself: nothing about what keeps it", () => {
  expect(linesOf({ ...awake, state: "sleeping", phase: "saving the files", sleepsAt: null })).toContain(
    "now: saving the files",
  );
  expect(linesOf({ ...awake, sleepsAt: null }, { ...rule, idleMs: null }).join("\n")).not.toContain(
    "keeps it awake",
  );
});

test("absent, and failed with the end of its log", () => {
  expect(linesOf(buildAbsent("nb", now), undefined)).toEqual(["nb is absent: It has not been brought up."]);
  expect(linesOf({ ...awake, state: "failed", logTail: ["it broke"] }).at(-1)).toBe("  it broke");
});
