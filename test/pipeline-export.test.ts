// A pipeline as workflows of GitHub Actions: golden files, judged by actionlint; nobody's edits are lost.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { parse } from "yaml";
import { buildWorkflows } from "../src/pipelines/export/build-workflows.ts";
import type { ExportInput } from "../src/pipelines/export/export-input.ts";
import { judgeFile, signFile } from "../src/pipelines/export/signed-file.ts";
import { resolvePipeline, resolveRegistry } from "../src/project/resolve-pipeline.ts";
import { projectSchema } from "../src/project/schema.ts";
import { findActionlint } from "./support/actionlint.ts";
import { createPipelineProject, type PipelineProject } from "./support/pipeline-project.ts";
import { root } from "./support/source-files.ts";

let project: PipelineProject | undefined;
afterEach(() => project?.end(), 60_000);

const iris = `name: demo
registries:
  hub: { host: docker.io, username: acme, password: "\${secret.hub}" }
  ecr: { type: ecr, region: us-east-1 }
pipelines:
  iris:
    lint: { run: flake8 src, requirements: requirements.txt }
    test: { run: pytest src/tests, requirements: requirements.txt, env: { PYTHONPATH: . }, needs: [lint] }
    model-validate:
      run: python src/validate.py
      needs: [test]
      outputs: [iris_model.pkl]
      timeout: 20m
      env: { DATA: "\${env.DATA_URL}", TOKEN: "\${secret.token}", GH: "\${secret.github}", F: "\${secret.file}" }
      metric: { name: accuracy, pattern: 'accuracy: ([0-9.]+)', min: 0.9 }
    build-and-push: { build: iris, push: [docker.io/acme/iris, ecr], needs: [model-validate] }
    deploy: { deploy: iris, needs: [build-and-push] }
    destroy: { destroy: iris, when: manual }
`;
const secrets: ExportInput["secrets"] = {
  hub: { env: "DOCKERHUB_TOKEN" },
  token: { env: "github_pat" },
  github: { env: "GITHUB_TOKEN" },
  file: { file: ["~/.config/iris key"] },
};

function build(more: Partial<ExportInput> = {}, yaml = iris) {
  const file = projectSchema.parse(parse(yaml));
  const pipelines = Object.entries(file.pipelines ?? {}).map(([name, stages]) =>
    resolvePipeline(stages, name),
  );
  const registries = Object.fromEntries(
    Object.entries(file.registries ?? {}).map(([name, one]) => [name, resolveRegistry(one, name)]),
  );
  const [pipeline] = pipelines;
  if (!pipeline) throw new Error("no pipeline");
  return buildWorkflows({
    version: "0.1.0",
    pipeline,
    secrets,
    registries,
    targets: { iris: "ssh" },
    folder: "",
    storedKeys: false,
    ...more,
  });
}

const cases: [string, ReturnType<typeof build>][] = [
  ["oidc", build()],
  ["stored-keys", build({ storedKeys: true })],
  ["inner-folder", build({ folder: "team's/model", targets: {} })],
  [
    "least",
    build(
      {},
      "name: demo\npipelines: { p: { a: { run: make }, b: { run: make b, when: manual, needs: [a] } } }\n",
    ),
  ],
];

test.each(cases)("golden: %s", async (name, { files, settings, notes }) => {
  for (const file of files)
    await expect(file.text).toMatchFileSnapshot(join(root, "test/golden/workflows", name, file.name));
  const listed = [...settings.map(({ kind, name: key, what }) => `${kind} ${key}: ${what}`), ...notes];
  await expect(`${listed.join("\n")}\n`).toMatchFileSnapshot(
    join(root, "test/golden/workflows", name, "settings.txt"),
  );
});

const actionlint = findActionlint();
if (typeof actionlint !== "string")
  console.warn(`pipeline-export.test.ts, actionlint: skipped: ${actionlint.missing}`);

test.skipIf(typeof actionlint !== "string").each(cases)("actionlint passes: %s", (_, { files }) => {
  const folder = mkdtempSync(join(tmpdir(), "sesta-actionlint-"));
  try {
    for (const { name, text } of files) writeFileSync(join(folder, name), signFile(text, "sesta.yaml"));
    const paths = files.map(({ name }) => join(folder, name));
    const { status, stdout, stderr } = spawnSync(String(actionlint), ["-no-color", ...paths], {
      encoding: "utf8",
    });
    expect([status, stdout, stderr]).toEqual([0, "", ""]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("every action is pinned by commit, no secret is in a command, rights are the least", () => {
  for (const [, { files }] of cases)
    for (const { text } of files) {
      const uses = text.match(/uses: .*/g) ?? [];
      expect(uses.filter((line) => !/^uses: \S+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))).toEqual([]);
      const workflow = parse(text) as {
        permissions: object;
        jobs: Record<string, { permissions: Record<string, string>; steps: { run?: string }[] }>;
      };
      expect(workflow.permissions).toEqual({ contents: "read" });
      for (const { permissions, steps } of Object.values(workflow.jobs)) {
        expect(
          Object.entries(permissions)
            .filter(([, right]) => right === "write")
            .map(([key]) => key),
        ).toEqual("id-token" in permissions ? ["id-token"] : []);
        for (const { run = "" } of steps) expect(run).not.toContain("${{");
      }
    }
});

test("secrets that no runner can have are refused", () => {
  const refused = (ref: ExportInput["secrets"][string]) => () =>
    build({ secrets: { ...secrets, token: ref } });
  expect(refused({ command: "pass show token" })).toThrow(/comes from a command/);
  expect(refused({ file: [{ env: "DIR" }, "/token"] })).toThrow(/a variable says/);
});

test("a file's head tells whether somebody has edited it", () => {
  const signed = signFile("name: x\n\non: push\n", "here");
  expect(judgeFile(signed)).toBe("own");
  expect(judgeFile(signed.replace("push", "pull_request"))).toBe("edited");
  expect(judgeFile(`${signed}# more\n`)).toBe("edited");
  expect(judgeFile("name: x\n")).toBe("foreign");
});

test("written, checked, edited, refused, forced", async () => {
  project = await createPipelineProject("name: demo\npipelines: { p: { a: { run: make } } }\n");
  const path = project.path(".github", "workflows", "ci-cd.yml");
  const sesta = (...argv: string[]) => project?.sesta(["pipeline", "export", "github", ...argv]);
  expect(await sesta("--check")).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/ci-cd\.yml +differs/),
  });
  expect(existsSync(path)).toBe(false);
  expect(await sesta()).toMatchObject({ code: 0, stdout: expect.stringMatching(/ci-cd\.yml +written/) });
  const written = readFileSync(path, "utf8");
  expect(written).toContain("from pipelines.p in sesta.yaml");
  expect(written).toMatch(/npx --yes sesta@\d+\.\d+\.\d+ pipeline run p --only a\n/);
  expect(await sesta("--check")).toMatchObject({ code: 0, stdout: expect.stringMatching(/unchanged/) });

  project.write("sesta.yaml", "name: demo\npipelines: { p: { a: { run: make }, b: { run: make b } } }\n");
  expect(await sesta("--check")).toMatchObject({ code: 1 });
  expect(await sesta()).toMatchObject({ code: 0 });
  const edited = readFileSync(path, "utf8").replace("ubuntu", "macos");
  writeFileSync(path, edited);
  expect(await sesta("-y")).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/ci-cd\.yml was edited by hand/),
  });
  expect(readFileSync(path, "utf8")).toBe(edited);
  writeFileSync(path, "name: theirs\n");
  expect(await sesta()).toMatchObject({ code: 1, stderr: expect.stringMatching(/was not written by Sesta/) });
  expect(await sesta("--force")).toMatchObject({ code: 0 });
  expect(judgeFile(readFileSync(path, "utf8"))).toBe("own");
  expect(await project.sesta(["pipeline", "export", "gitlab"])).toMatchObject({ code: 2 });
});

test("what jobs of a workflow do: stage after stage on runners of their own, results handed over as files", async () => {
  project = await createPipelineProject(`name: demo
secrets: { t: { env: T } }
pipelines:
  p:
    train: { run: "echo train >>$TOLD; echo 0.95 >model", outputs: [model], env: { T: "\${secret.t}" } }
    lint: { run: "echo lint >>$TOLD" }
    validate: { run: "echo acc $(cat model)", needs: [train, lint], metric: { name: acc, pattern: "acc (.*)", min: 0.9 } }
`);
  const env = { T: "canary-runner" };
  const artifacts = project.path("..", `${project.folder.split("/").at(-1)}-artifacts`);
  try {
    for (const [stage, wanted] of [
      ["train", ["train succeeded"]],
      ["lint", ["lint succeeded"]],
      ["validate", ["train succeeded cached", "lint succeeded cached", "validate succeeded"]],
    ] as const) {
      rmSync(project.path(".sesta"), { recursive: true, force: true }); // a runner of its own
      execFileSync("mkdir", ["-p", artifacts, project.path(".sesta")]);
      execFileSync("cp", ["-r", artifacts, project.path(".sesta", "pipelines")]);
      const { json, stderr } = await project.run(["--only", stage], env);
      expect([
        stderr,
        json.stages.map(({ name, state, cached }) => `${name} ${state}${cached ? " cached" : ""}`),
      ]).toEqual([expect.any(String), wanted]);
      for (const name of ["results", "store"])
        if (existsSync(project.path(".sesta", "pipelines", name)))
          execFileSync("cp", ["-r", project.path(".sesta", "pipelines", name), artifacts]);
    }
    expect(project.told()).toEqual(["train", "lint"]);
  } finally {
    rmSync(artifacts, { recursive: true, force: true });
  }
});
