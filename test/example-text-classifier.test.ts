// The program of examples/text-classifier by itself: its own tests, and what it says and writes without a tracker.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadProject } from "../src/project/load.ts";
import { copyExample, findTextPython, removeExample, runProgram } from "./support/example-program.ts";

const found = findTextPython();
if ("missing" in found) console.warn(`example-text-classifier.test.ts: skipped: ${found.missing}`);

test("its project file is right", async () => {
  const folder = copyExample("text-classifier");
  try {
    const { workloads } = await loadProject(folder);
    expect(workloads).toMatchObject({
      tracking: { type: "tracker", backup: { keep: 7 } },
      train: { type: "job", tracker: "tracking" },
    });
  } finally {
    removeExample(folder);
  }
});

describe.skipIf("missing" in found)("examples/text-classifier", { timeout: 150_000 }, () => {
  let folder = "";
  const run = (...operands: string[]) => {
    if ("missing" in found) throw new Error(found.missing);
    return runProgram(found, folder, operands);
  };
  beforeAll(() => {
    folder = copyExample("text-classifier");
  });
  afterAll(() => removeExample(folder));

  test("learns, and says that it is logged nowhere", async () => {
    const { code, stdout, stderr } = await run("src/train.py", "--epochs", "6");
    expect([code, stderr]).toEqual([0, ""]);
    const lines = stdout.trim().split("\n");
    expect(lines[0]).toBe("MLFLOW_TRACKING_URI is not set: this run is logged nowhere");
    const epochs = lines.slice(1, 7).map((line) => /^epoch \d\/6  loss (\d\.\d{4})  test loss /.exec(line));
    const losses = epochs.map((match) => Number(match?.[1]));
    expect(losses).toEqual(losses.toSorted((a, b) => b - a));
    expect(lines.at(-1)).toBe("output/ has metrics.json and confusion.png");
    expect(readdirSync(join(folder, "output")).toSorted()).toEqual(["confusion.png", "metrics.json"]);
    const metrics = JSON.parse(readFileSync(join(folder, "output", "metrics.json"), "utf8")) as {
      accuracy: number;
    };
    expect(metrics.accuracy).toBeGreaterThan(0.85);
    expect(lines).toContain(`accuracy: ${metrics.accuracy.toFixed(4)}`);
  });

  test("its own tests pass, with MLflow and no server", async () => {
    const { code, stdout } = await run("-m", "pytest", "-q");
    expect(stdout).toMatch(/^\d+ passed/m);
    expect(code).toBe(0);
  });
});
