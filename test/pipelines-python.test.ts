// The seed's stages with real flake8, pytest and a trained model, through uv: lint, test, model-validate.
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { listLiving, until } from "./faults/support/processes.ts";
import { findUv } from "./support/lab-environment.ts";
import { createPipelineProject, type PipelineProject } from "./support/pipeline-project.ts";

const missing = findUv() === undefined ? "uv is not there and cannot be installed" : "";
if (missing !== "") console.warn(`pipelines-python.test.ts: skipped: ${missing}`);

const yaml = `name: demo
pipelines:
  iris:
    lint: { run: flake8 --max-line-length 100 src, requirements: requirements.txt }
    test:
      run: pytest -q --junitxml report.xml src
      requirements: requirements.txt
      env: { PYTHONPATH: . }
      needs: [lint]
      junit: report.xml
    model-validate:
      run: python -m src.train
      requirements: requirements.txt
      needs: [test]
      outputs: [model.json]
      metric: { name: accuracy, json: model.json, key: accuracy, min: 0.9 }
    bare: { run: "python -c 'import sys; print(sys.prefix)'; command -v flake8 && exit 3; exit 0", python: [six] }
`;
const train = `"""Train."""
import json

import numpy


def train():
    """Fit a line."""
    x = numpy.arange(20.0)
    return float(numpy.corrcoef(x, 2 * x + numpy.sin(x))[0, 1])


if __name__ == "__main__":
    with open("model.json", "w", encoding="utf8") as file:
        json.dump({"accuracy": train()}, file)
`;
const tests = `from src.train import train


def test_train():
    assert train() > 0.9
`;

describe.skipIf(missing !== "")("with Python", { timeout: 180_000 }, () => {
  let project: PipelineProject;
  beforeAll(async () => {
    project = await createPipelineProject(yaml, {
      "requirements.txt": "flake8\npytest\nnumpy # the model's\n",
      "src/__init__.py": "",
      "src/train.py": train,
      "src/test_train.py": tests,
    });
  });
  afterAll(() => project?.end(), 60_000);
  const environments = () =>
    readdirSync(project.path(".sesta", "pipelines", "environments")).filter((name) => !name.includes("."));
  const run = async (...argv: string[]) => {
    const { code, json, stderr } = await project.run(argv);
    return {
      code,
      stderr,
      json,
      states: json.stages.map(({ state, cached }) => (cached ? "cached" : state)),
    };
  };

  test("lint, test and model-validate share one environment, a stage with other packages has its own", async () => {
    // Beside the committed tree: a stage must not see it, nor find it above its own folder.
    project.write("conftest.py", "raise SystemExit('uncommitted')\n");
    project.write("setup.cfg", "[flake8]\nmax-line-length = 5\n");
    const { code, json, states, stderr } = await run();
    expect([code, states, code === 0 ? "" : stderr]).toEqual([0, Array(4).fill("succeeded"), ""]);
    expect(json.stages[1]?.tests).toEqual({
      tests: 1,
      failures: 0,
      errors: 0,
      skipped: 0,
      seconds: expect.any(Number),
      failed: [],
    });
    expect(json.stages[2]?.metric).toMatchObject({ name: "accuracy", passed: true });
    expect(environments()).toHaveLength(2);
    expect(readFileSync(json.stages[3]?.log ?? "", "utf8")).toMatch(/environments\/[0-9a-f]{24}\n$/);
  });

  test("nothing has changed: all of it is taken from before", async () => {
    expect((await run()).states).toEqual(Array(4).fill("cached"));
  });

  test("a test that fails is named, what needs it is not run", async () => {
    project.git("clean", "-fdq", "--exclude=.sesta");
    project.write("src/test_train.py", tests.replace("> 0.9", "> 2"));
    project.commit();
    const { code, states, json, stderr } = await run();
    expect([code, states]).toEqual([1, ["succeeded", "failed", "skipped", "succeeded"]]);
    expect(json.stages[1]?.tests).toMatchObject({ failures: 1, failed: ["src.test_train.test_train"] });
    expect(stderr).toMatch(/assert .* > 2/);
    project.write("src/test_train.py", tests);
    project.commit();
  });

  test("killed while an environment is made: the next run makes it whole, whatever uv still does", async () => {
    for (const [waitMs, bound] of [
      [0, "0.1"],
      [150, "0.2"],
      [600, "0.3"],
    ] as const) {
      // Another environment each time.
      const packages = `[flake8, numpy, pytest, "six>=${bound}"]`;
      project.write(
        "sesta.yaml",
        `name: demo\npipelines: { q: { a: { run: flake8 --version && python -c "import numpy", python: ${packages} } } }\n`,
      );
      const before = environments();
      const killed = project.begin(["pipeline", "run"]);
      const made = await until(() => environments().find((name) => !before.includes(name)), killed.stderr);
      await delay(waitMs);
      killed.kill("SIGKILL");
      await killed.ended;
      const { code, stderr } = await run();
      expect([waitMs, code, code === 0 ? "" : stderr]).toEqual([waitMs, 0, ""]);
      expect(listLiving(`${made}/bin/python`)).toEqual([]);
    }
    project.write("sesta.yaml", yaml);
  });

  test("packages that do not exist fail the stage with uv's own words", async () => {
    project.write("requirements.txt", "flake8\nno-such-package-at-all-94731\n");
    project.commit();
    const { code, json } = await run("--only", "lint");
    expect([code, json.stages[0]?.state]).toEqual([1, "failed"]);
    expect(json.stages[0]?.why).toContain("no-such-package-at-all-94731");
    project.git("rm", "-q", "requirements.txt");
    project.commit();
    expect((await run("--only", "lint")).json.stages[0]?.why).toContain("The commit has no requirements.txt");
  });
});
