// The converter's environment for each scikit-learn, and what its verdicts mean.
import { expect, test } from "vitest";
import { buildConversion, buildConverterEnvironment, lockedSklearn, readVerdict } from "./convert-model.ts";
import { buildModelServer, buildRuntimeInstall } from "./model-command.ts";

test("locked with digests for the locked version, or for none", () => {
  for (const version of [undefined, lockedSklearn]) {
    const { locked, packages } = buildConverterEnvironment(version);
    expect(locked).toContain(`scikit-learn==${lockedSklearn}`);
    expect(locked).toContain("--hash=sha256:");
    expect(packages).toEqual([]);
  }
});

test.each([
  ["1.2.2", ">=3.10,<3.12", true],
  ["1.4.2", ">=3.10,<3.13", true],
  ["1.5.2", ">=3.10,<3.14", false],
  ["1.7.1", ">=3.10,<3.15", false],
  ["2.0.0", ">=3.11,<3.15", false],
])("%s loads with its own version", (version, python, isOld) => {
  const environment = buildConverterEnvironment(version);
  expect(environment).toMatchObject({ python, locked: "" });
  expect(environment.packages).toContain(`scikit-learn==${version}`);
  expect(environment.packages.includes("numpy<2")).toBe(isOld);
});

test("commands", () => {
  const files = {
    python: "/e/bin/python",
    script: "convert.py",
    model: "iris model.pkl",
    output: "iris.onnx",
  };
  expect(buildConversion(files)).toEqual(["/e/bin/python", "convert.py", "iris model.pkl", "iris.onnx"]);
  expect(buildConversion({ ...files, rows: "rows.csv" }).slice(4)).toEqual(["--rows", "rows.csv"]);
  expect(buildRuntimeInstall("npm", "/r").join(" ")).toBe(
    "npm install --prefix /r --ignore-scripts --no-save --no-audit --no-fund onnxruntime-node@1.30.0",
  );
  const server = {
    node: "node",
    program: "s.mjs",
    model: "i.onnx",
    name: "iris",
    host: "127.0.0.1",
    port: 8080,
  };
  expect(buildModelServer({ ...server, version: "7", workers: 2, runtime: "/r" }).join(" ")).toBe(
    "node --max-semi-space-size=1 --single-threaded s.mjs --model i.onnx --name iris --version 7 --host 127.0.0.1 --port 8080 --workers 2 --runtime /r",
  );
});

const comparison = {
  verdict: "different",
  model: "SVC",
  features: 1,
  classes: [0, 1],
  rows: 2000,
  source: "given",
  sklearn: "1.9.1",
  input: "float32",
  differ: 3,
  ties: 0,
  largest_difference: 0.123456,
  first: [{ row: [1.5], original: 0, converted: 1 }],
  seconds: 1,
};

test("what was printed before the verdict is not read", () => {
  const same = { ...comparison, verdict: "same", differ: 0, first: [] };
  expect(readVerdict("m.pkl", `noise\n${JSON.stringify(same)}\n`, "")).toEqual(same);
});

test.each([
  [comparison, /on 3 of 2000 given rows, by up to 0.123$/, ["[1.5]: the original says 0, converted 1"]],
  [
    { verdict: "failed", step: "load", why: "No module named 'own'", kind: "ModuleNotFoundError" },
    /No module named 'own'/,
    [],
  ],
  [{ verdict: "same" }, /^Killed$/, []],
  ["no JSON", /^Killed$/, []],
])("%j refuses", (content, message, problems) => {
  const printed = typeof content === "string" ? content : JSON.stringify(content);
  expect(() => readVerdict("m.pkl", printed, "Traceback\nKilled\n")).toThrow(
    expect.objectContaining({
      code: "MODEL_REFUSED",
      where: "m.pkl",
      problems,
      message: expect.stringMatching(message) as string,
    }),
  );
});
