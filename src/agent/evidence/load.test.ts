// Load above a threshold: the arithmetic, and how long it has to last.
import { expect, test } from "vitest";
import { createFakeClock } from "../../../test/support/fake-clock.ts";
import type { ProcessRow } from "../../machine/process-table.ts";
import { parseGpuPercent } from "./gpu.ts";
import { createLoad, createProcessorMeter } from "./load.ts";

const row = (pid: number, cpuMs: number): ProcessRow => ({
  pid,
  parent: 1,
  group: pid,
  foreground: 0,
  tty: null,
  name: "x",
  cpuMs,
  startTime: "1",
});

test("percent of one core between two looks: what began in between counts, what ended is missed", async () => {
  const clock = createFakeClock();
  const meter = createProcessorMeter(clock);
  expect(meter.measure([row(1, 50_000), row(2, 70_000)])).toBeUndefined();
  await clock.advance(10_000);
  expect(meter.measure([row(1, 55_000), row(3, 3_000)])).toEqual({ percent: 80, sinceMs: 0 });
  await clock.advance(10_000);
  expect(meter.measure([row(1, 55_000), row(3, 3_000)])).toEqual({ percent: 0, sinceMs: 10_000 });
});

test("a recycled process id is another process", async () => {
  const clock = createFakeClock();
  const meter = createProcessorMeter(clock);
  meter.measure([row(1, 50_000)]);
  await clock.advance(10_000);
  expect(meter.measure([{ ...row(1, 1_000), startTime: "2" }])?.percent).toBe(10);
});

test("a load counts once it has lasted, for as long as it does, and anew after a dip", async () => {
  const clock = createFakeClock();
  const load = createLoad(clock);
  const seen: boolean[] = [];
  for (const percent of [60, 50, 90, 49, 60, 60, 60]) {
    seen.push(load.isHigh(percent, 50, 20_000));
    await clock.advance(10_000);
  }
  expect(seen).toEqual([false, false, true, false, false, false, true]);
});

test("the busiest GPU, and nothing that is no number", () => {
  expect(parseGpuPercent("3\n 97 \n")).toBe(97);
  for (const text of ["", "[N/A]\n", "3\n[Unknown Error]\n", "No devices were found\n"])
    expect(() => parseGpuPercent(text)).toThrow("does not say");
});
