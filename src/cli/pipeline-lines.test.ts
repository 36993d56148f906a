// What is said of stages: their figures, tests and releases, and nothing that a program could do to the terminal.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { StageRecord } from "../model/pipeline.ts";
import { formatFailure, formatStage } from "./pipeline-lines.ts";

const plain = (_style: string, text: string) => text;
const stage = (more: Partial<StageRecord>): StageRecord => ({
  name: "a",
  state: "succeeded",
  cached: false,
  why: null,
  startedAt: null,
  tookMs: 1_234,
  exitCode: 0,
  figure: null,
  outputs: [],
  tests: null,
  artefact: null,
  release: null,
  log: null,
  ...more,
});
const figure = { stage: "a", name: "acc", value: "0.95", min: "0.9", max: null, passed: true };
const tests = { tests: 3, failures: 1, errors: 0, skipped: 1, seconds: 1, failed: ["x\u001b[2J.y"] };

test.each([
  [{}, "✓ a  1.2 s"],
  [{ cached: true, figure }, "✓ a  acc 0.95 (min 0.9)  cached"],
  [
    { state: "failed", figure: { ...figure, value: null, max: "1" } },
    "✗ a  acc missing (min 0.9, max 1)  1.2 s",
  ],
  [{ tests }, "✓ a  3 tests, 1 failed, 1 skipped  1.2 s"],
  [{ release: { release: 4, digest: "sha256:x", url: "http://h:1" } }, "✓ a  release 4 at http://h:1  1.2 s"],
  [{ state: "skipped", why: "b failed", tookMs: null }, "- a  b failed"],
  [{ state: "stopped", why: "release 2 goes on", tookMs: null }, "! a  release 2 goes on"],
] as [Partial<StageRecord>, string][])("%j", (more, line) => {
  expect(formatStage(stage(more), plain)).toBe(line);
});

test("a failure: why, tests that failed, its last lines, its log", () => {
  const folder = mkdtempSync(join(tmpdir(), "sesta-lines-"));
  const log = join(folder, "a.log");
  writeFileSync(log, "one\n\u001b]0;title\u0007two\r\u001b[1Athree\n");
  try {
    expect(formatFailure(stage({ state: "failed", why: "it ended with 1", tests, log }), plain)).toBe(
      `error: a: it ended with 1\n  failed: x.y\n  │ one\n  │ two three\n  log: ${log}\n`,
    );
    expect(formatFailure(stage({}), plain)).toBe("");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
