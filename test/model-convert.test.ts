// Pickled models of the real scikit-learn, converted and compared, and those that must be refused.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { buildConversion, lockedSklearn, readVerdict } from "../src/workloads/service/convert-model.ts";
import { findSklearnVersion } from "../src/workloads/service/model-pickle.ts";
import { findModelFiles } from "./support/model-files.ts";

const found = findModelFiles();
if (typeof found === "string") console.warn(`model-convert.test.ts: skipped: ${found}`);
const { python, script, folder } = typeof found === "string" ? { python: "", script: "", folder: "" } : found;
const scratch = mkdtempSync(join(tmpdir(), "sesta-convert-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function convert(model: string, rows?: string, ...more: string[]) {
  const output = join(scratch, `${model}.onnx`);
  rmSync(output, { force: true });
  const [program, ...operands] = buildConversion({
    python,
    script,
    model: join(folder, model),
    output,
    rows,
  });
  const ran = spawnSync(program, [...operands, ...more], { encoding: "utf8" });
  return {
    code: ran.status,
    wrote: existsSync(output),
    read: () => readVerdict(model, ran.stdout, ran.stderr),
  };
}

describe.skipIf(typeof found === "string")("converted", () => {
  test.each([
    ["logistic.pkl", "LogisticRegression", [0, 1, 2], "float32"],
    ["forest.pkl", "RandomForestClassifier", [0, 1, 2], "float32"],
    ["svc.joblib", "SVC", [0, 1, 2], "float32"],
    ["scaled.pkl", "LogisticRegression", [0, 1, 2], "float32"],
    ["names.pkl", "LogisticRegression", ["setosa", "versicolor", "virginica"], "float32"],
    ["diabetes.pkl", "LinearRegression", null, "float32"],
    ["gzipped.pkl", "LogisticRegression", [0, 1, 2], "float32"],
    // In float32 it would fall on the other side of its thresholds.
    ["tree.pkl", "DecisionTreeClassifier", [0, 1, 2], "float64, float32 before the last step"],
  ])("%s predicts the same", (file, model, classes, input) => {
    const { code, wrote, read } = convert(file);
    expect(read()).toMatchObject({
      model,
      classes,
      input,
      differ: 0,
      rows: 2000,
      source: "generated",
      sklearn: lockedSklearn,
    });
    expect([code, wrote]).toEqual([0, true]);
  });

  test.each(["rows.csv", "rows.json"])("compared on the rows of %s", (name) => {
    const csv = join(folder, "rows.csv");
    const lines = readFileSync(csv, "utf8").trim().split("\n").slice(1);
    const json = join(scratch, "rows.json");
    writeFileSync(json, JSON.stringify({ features: lines.map((line) => line.split(",").map(Number)) }));
    expect(convert("forest.pkl", name === "rows.csv" ? csv : json).read()).toMatchObject({
      rows: 150,
      source: "given",
    });
  });

  test("every pickle names its scikit-learn, packed or not, and is not run for it", () => {
    for (const file of ["logistic.pkl", "svc.joblib", "gzipped.pkl", "tree.pkl"])
      expect([file, findSklearnVersion(readFileSync(join(folder, file)))]).toEqual([file, lockedSklearn]);
    expect(findSklearnVersion(readFileSync(join(folder, "foreign.pkl")))).toBeUndefined();
  });
});

describe.skipIf(typeof found === "string")("refused, and nothing written", () => {
  test("a conversion that predicts otherwise, with the rows that show it", () => {
    const { code, wrote, read } = convert("tree.pkl", undefined, "--input", "float32");
    expect(read).toThrow(
      expect.objectContaining({
        code: "MODEL_REFUSED",
        message: expect.stringMatching(
          /predicts otherwise than the original on \d+ of 2000 generated rows/,
        ) as string,
        problems: expect.arrayContaining([
          expect.stringMatching(/^\[.*\]: the original says \d, converted \d$/),
        ]) as string[],
      }),
    );
    expect([code, wrote]).toEqual([3, false]);
  });

  test("a pickle of code that is not here", () => {
    const { code, wrote, read } = convert("foreign.pkl");
    expect(read).toThrow(/No module named 'module_that_is_nowhere'/);
    expect([code, wrote]).toEqual([1, false]);
  });

  test("rows of another width", () => {
    const narrow = join(scratch, "narrow.csv");
    writeFileSync(narrow, "1,2\n3,4\n");
    expect(convert("logistic.pkl", narrow).read).toThrow(/has 2 columns, the model takes 4/);
  });
});
