// What a line of `sesta runs` says of a run's outputs.
import { expect, test } from "vitest";
import type { Run } from "../model/run.ts";
import { formatRuns } from "./run-table.ts";

const run = {
  id: "train-1-abcd",
  state: "succeeded",
  createdAt: 0,
  startedAt: 0,
  endedAt: 1_000,
  exitCode: 0,
  peakBytes: null,
  commit: null,
  why: null,
  nodes: [{ machine: "box", startedAt: 0 }],
  fetched: null,
  settings: { fetch: ["output/"] },
} as unknown as Run;
const fetched = { files: 1, bytes: 2_048, into: "/results", at: 0, isWhole: true };
const never = [{ machine: "box", startedAt: null }] as unknown as Run["nodes"];

test.each<[string, Partial<Run>, RegExp]>([
  ["all of it", { fetched }, / 2KB\s*$/],
  ["what was there while it ran", { fetched: { ...fetched, isWhole: false } }, / 2KB, in part\s*$/],
  ["the same, and it still runs", { state: "running", fetched: { ...fetched, isWhole: false } }, / 2KB\s*$/],
  ["nothing", {}, / not fetched\s*$/],
  ["nothing, and it still runs", { state: "running" }, / 1\.0 s\s*$/],
  ["nothing of one that never began", { state: "stopped", nodes: never }, / 1\.0 s\s*$/],
])("fetched: %s", (_, change, line) => {
  const text = formatRuns([{ ...run, ...change }], 1_000, (_style, cell) => cell);
  expect(text.trimEnd().split("\n").at(-1)).toMatch(line);
});
