// Progress: plain lines where nothing can be redrawn, one moving line on a terminal, nothing left behind at the end.
import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import { createReporter } from "./progress.ts";
import type { Terminal } from "./terminal.ts";

function setUp(liveErr: boolean, columns = 100) {
  const clock = createFakeClock();
  const written: string[] = [];
  const terminal: Terminal = {
    out: () => {
      throw new Error("progress is not output");
    },
    err: (text) => void written.push(text),
    interactive: liveErr,
    liveErr,
    paint: (_style, text) => text,
    columns,
  };
  return { clock, written, reporter: createReporter(terminal, clock) };
}

test("elsewhere than on a terminal: one plain line for each step that is done, and no control bytes", async () => {
  const { clock, written, reporter } = setUp(false);
  reporter.step({ workload: "notebook", step: "environment", state: "running" });
  reporter.step({
    workload: "notebook",
    step: "environment",
    state: "running",
    detail: "Downloading pandas",
  });
  await clock.advance(2_500);
  reporter.step({ workload: "notebook", step: "environment", state: "done", detail: "unchanged" });
  reporter.show("waking");
  reporter.step({ workload: "", step: "gateway", state: "running" });
  reporter.step({ workload: "", step: "gateway", state: "done" });
  reporter.end();
  expect(written).toEqual(["✓ notebook: environment unchanged  2.5 s\n", "✓ gateway  0.0 s\n"]);
});

test("a step that failed is not marked as done", () => {
  const { written, reporter } = setUp(false);
  reporter.step({ workload: "iris", step: "release 2", state: "failed", detail: "it ended" });
  expect(written).toEqual(["✗ iris: release 2 it ended  0.0 s\n"]);
});

test("a step that is done twice is timed anew, one that never ran took no time", async () => {
  const { clock, written, reporter } = setUp(false);
  for (const ms of [1_000, 3_000]) {
    reporter.step({ workload: "a", step: "b", state: "running" });
    await clock.advance(ms);
    reporter.step({ workload: "a", step: "b", state: "done" });
  }
  reporter.step({ workload: "a", step: "c", state: "done" });
  expect(written.map((line) => line.trim())).toEqual(["✓ a: b  1.0 s", "✓ a: b  3.0 s", "✓ a: c  0.0 s"]);
});

test("of several steps that go on, one is shown again when another is done", () => {
  const { written, reporter } = setUp(true);
  reporter.step({ workload: "a", step: "python", state: "running", detail: "installing" });
  reporter.step({ workload: "a", step: "data", state: "running", detail: "one file" });
  reporter.step({ workload: "a", step: "data", state: "done" });
  expect(stripVTControlCharacters(written.at(-1) ?? "")).toContain("a: python installing");
  reporter.step({ workload: "a", step: "python", state: "done" });
  const shown = written.length;
  reporter.end();
  expect(written).toHaveLength(shown);
});

test("on a terminal a line is redrawn in its place, fits, and is gone at the end", () => {
  const { written, reporter } = setUp(true, 40);
  reporter.step({ workload: "notebook", step: "environment", state: "running", detail: "x".repeat(500) });
  reporter.show("notebook: loading");
  reporter.step({ workload: "notebook", step: "environment", state: "done" });
  reporter.show("more");
  reporter.end();
  reporter.end();
  for (const line of written) expect(line.split("\n").length).toBeLessThanOrEqual(2);
  expect(
    Math.max(...written.map((line) => stripVTControlCharacters(line).trim().length)),
  ).toBeLessThanOrEqual(40);
  expect(written.at(-1)).toBe("\r\u001b[K");
  expect(written.filter((line) => line.endsWith("\n"))).toEqual(["✓ notebook: environment  0.0 s\n"]);
});
