// A figure that is not there, is no number, or misses its bounds by one digit never passes.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { MetricSection } from "../model/pipeline.ts";
import { createPatternReader, judgeMetric } from "./metric.ts";

const tree = mkdtempSync(join(tmpdir(), "sesta-metric-"));
afterAll(() => rmSync(tree, { recursive: true }));

const printed: MetricSection = {
  name: "accuracy",
  from: { pattern: "accuracy: (\\S+)" },
  min: "0.9",
  max: null,
};

async function judge(metric: MetricSection, lines: readonly string[] = []) {
  const reader = createPatternReader(metric);
  for (const line of lines) reader.line(line);
  const { figure, why } = await judgeMetric("validate", metric, reader.value(), tree);
  return [figure.value, figure.passed, why];
}

test.each([
  [["accuracy: 0.9"], ["0.9", true, null]],
  [
    ["accuracy: 0.91", "accuracy: 0.95 accuracy: 0.97", "done"],
    ["0.97", true, null],
  ],
  [
    ["accuracy: 0.95", "accuracy: 0.1"],
    ["0.1", false, "accuracy 0.1 is less than 0.9"],
  ],
  [
    ["accuracy: 0.89999999999999999999"],
    ["0.89999999999999999999", false, "accuracy 0.89999999999999999999 is less than 0.9"],
  ],
  [["accuracy: nan"], [null, false, 'accuracy is "nan"; expected a number like 0.9']],
  [["accuracy: inf"], [null, false, 'accuracy is "inf"; expected a number like 0.9']],
  [["accuracy:"], [null, false, expect.stringContaining("no line of its output matches")]],
  [[], [null, false, expect.stringContaining("the figure is missing")]],
])("of %j", async (lines, wanted) => expect(await judge(printed, lines)).toEqual(wanted));

test("max, and neither", async () => {
  const loss: MetricSection = { name: "loss", from: { pattern: "loss (\\S+)" }, min: null, max: "1e-3" };
  expect(await judge(loss, ["loss 0.001"])).toEqual(["0.001", true, null]);
  expect(await judge(loss, ["loss 0.0010000000000000001"])).toMatchObject({
    2: "loss 0.0010000000000000001 is more than 1e-3",
  });
  expect(await judge({ ...loss, max: null }, ["loss -7"])).toEqual(["-7", true, null]);
});

const inFile = (key: string, json = "m.json"): MetricSection => ({
  name: "accuracy",
  from: { json, key },
  min: "0.9",
  max: null,
});

test("a JSON file: every digit, inner keys, keys with dots", async () => {
  writeFileSync(
    join(tree, "m.json"),
    '{"a": 0.90000000000000000001, "t": {"a": 0.8999999999999999999}, "x.y": 1, "s": "0.95", "n": null}',
  );
  expect(await judge(inFile("a"))).toEqual(["0.90000000000000000001", true, null]);
  expect(await judge(inFile("t.a"))).toMatchObject({ 0: "0.8999999999999999999", 1: false });
  expect(await judge(inFile("x.y"))).toEqual(["1", true, null]);
  expect(await judge(inFile("s"))).toMatchObject({ 2: 'accuracy: "s" in m.json is no number' });
  expect(await judge(inFile("n"))).toMatchObject({ 2: 'accuracy: "n" in m.json is no number' });
  expect(await judge(inFile("gone"))).toMatchObject({ 2: expect.stringContaining('has no "gone"') });
  expect(await judge(inFile("constructor"))).toMatchObject({ 2: expect.stringContaining("is missing") });
});

test("what is no JSON, is not there, or is reached by a link", async () => {
  writeFileSync(join(tree, "nan.json"), '{"accuracy": NaN}');
  mkdirSync(join(tree, "real"));
  writeFileSync(join(tree, "real", "m.json"), '{"accuracy": 1}');
  symlinkSync("real", join(tree, "link"));
  symlinkSync("real/m.json", join(tree, "link.json"));
  expect(await judge(inFile("accuracy", "nan.json"))).toMatchObject({
    1: false,
    2: expect.stringMatching(/nan\.json is no JSON: .*NaN and Infinity are none/),
  });
  for (const json of ["none.json", "link/m.json", "link.json", "real"])
    expect(await judge(inFile("accuracy", json))).toMatchObject({
      1: false,
      2: `accuracy: the stage wrote no ${json}, so the figure is missing`,
    });
  expect(await judge(inFile("accuracy", "real/m.json"))).toEqual(["1", true, null]);
});
