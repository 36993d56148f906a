// Models that Sesta serves itself, through the real command line: an ONNX file, a pickle, and a pickle that means ill.
import { spawnSync } from "node:child_process";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createJobProject, type JobProject } from "./support/job-project.ts";
import { findModelFiles } from "./support/model-files.ts";
import { modelServerSource } from "./support/program-sources.ts";
import { freePort } from "./support/scratch-project.ts";

const found = findModelFiles();
const noRuntime = modelServerSource.findRuntime() === undefined ? "onnxruntime-node is not installed" : "";
const missing = typeof found === "string" ? found : noRuntime;
if (missing !== "") console.warn(`services-model.test.ts: skipped: ${missing}`);
const { python, folder } = typeof found === "string" ? { python: "", folder: "" } : found;

const canary = "canary-of-models";
const flower = JSON.stringify({ features: [5.1, 3.5, 1.4, 0.2] });

describe.skipIf(missing !== "")("a model without an application", { timeout: 180_000 }, () => {
  let project: JobProject;
  let port = 0;
  const write = (file: string) =>
    project.write(
      "sesta.yaml",
      `name: flowers\nsecrets: { team: { env: TEAM } }\nworkloads:\n  iris:\n    type: service\n` +
        `    model: ${file}\n    port: ${port}\n    env: { OWN: "\${secret.team}" }\n`,
    );
  const predict = async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/predict`, { method: "POST", body: flower });
    return [answer.status, await answer.text()];
  };

  beforeAll(async () => {
    port = await freePort();
    project = await createJobProject({ yaml: "name: flowers\n", variables: { TEAM: canary } });
    for (const file of ["logistic.onnx", "logistic.pkl"])
      copyFileSync(join(folder, file), join(project.folder, file));
  }, 180_000);
  afterAll(() => project.end(), 60_000);

  test("an ONNX file answers as the seed's application does", async () => {
    write("logistic.onnx");
    await project.must(["up", "-y"]);
    expect(await predict()).toEqual([200, '{"prediction":0}']);
    const missed = await fetch(`http://127.0.0.1:${port}/predict`, { method: "POST" });
    expect([missed.status, await missed.json()]).toEqual([400, { error: "Missing features" }]);
  });

  test("a file that is no model changes nothing, and its release shows why", async () => {
    writeFileSync(join(project.folder, "logistic.onnx"), "no model");
    const { code, stderr } = await project.sesta(["deploy", "iris", "-y"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/did not become healthy; release 1 stays/);
    expect(stderr).toContain("model-server: ");
    expect(await predict()).toEqual([200, '{"prediction":0}']);
  });

  test("T4: a pickle is loaded without the project's secrets, and one that is no model is refused", async () => {
    const seen = join(project.folder, "seen.json");
    const text = `import json, os; json.dump(dict(os.environ), open(${JSON.stringify(seen)}, "w"))`;
    const program =
      "import pickle, sys\nclass Ill:\n  def __reduce__(self): return (exec, (sys.argv[1],))\n" +
      "pickle.dump(Ill(), open(sys.argv[2], 'wb'))";
    const made = spawnSync(python, ["-c", program, text, join(project.folder, "ill.pkl")]);
    expect(made.status).toBe(0);
    write("ill.pkl");
    const { code, stderr } = await project.sesta(["deploy", "iris", "-y"]);
    expect([code, stderr]).toEqual([1, expect.stringContaining("error: ill.pkl")]);
    const told = JSON.parse(readFileSync(seen, "utf8")) as Record<string, string>;
    expect(told["PATH"]).toBeDefined();
    expect(Object.values(told).filter((value) => value.includes(canary))).toEqual([]);
  });

  test("a pickle of scikit-learn is converted, compared, and takes over", async () => {
    write("logistic.pkl");
    const { stderr } = await project.must(["deploy", "iris", "-y"]);
    expect(stderr).toContain("the same on 2000 generated rows");
    expect(await predict()).toEqual([200, '{"prediction":0}']);
  });
});
