// The file that `init` writes loads without a problem and says what was answered.
import fc from "fast-check";
import { expect, test } from "vitest";
import { formatDuration } from "../model/duration.ts";
import { findLab } from "../model/project.ts";
import { parseProject } from "./parse.ts";
import { buildJobTemplate, buildLabTemplate, buildServiceTemplate } from "./template.ts";

const name = fc.stringMatching(/^[a-z][a-z0-9-]{1,38}[a-z0-9]$/);
const packages = fc.array(
  fc.constantFrom(
    "pandas",
    "scikit-learn==1.5",
    "x[a,b]>=1,<2",
    "null",
    "yes",
    "true",
    "y",
    "a ; python_version<'3.13'",
    "7zip",
    "e3",
  ),
  { maxLength: 5 },
);

test("what is answered is what loads", async () => {
  await fc.assert(
    fc.asyncProperty(
      name,
      fc.option(fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,20}$/), { nil: undefined }),
      fc.option(fc.integer({ min: 1, max: 365 * 86_400 }), { nil: null }),
      packages,
      async (project, passwordEnv, idleSeconds, asked) => {
        const idle = idleSeconds === null ? "never" : formatDuration(idleSeconds * 1000);
        const answers = {
          name: project,
          idle,
          packages: asked,
          ...(passwordEnv === undefined ? {} : { passwordEnv }),
        };
        const loaded = await parseProject(Buffer.from(buildLabTemplate(answers)), "/nowhere");
        expect(loaded.name).toBe(project);
        expect(loaded.secrets).toEqual(passwordEnv === undefined ? {} : { team_pass: { env: passwordEnv } });
        expect(loaded.workloads["notebook"]).toMatchObject({
          idleMs: idleSeconds === null ? null : idleSeconds * 1000,
          packages: asked,
        });
        expect(findLab(loaded, "notebook")?.password).toBe(
          passwordEnv === undefined ? undefined : "team_pass",
        );
      },
    ),
    { numRuns: 200 },
  );
});

test("its commented lines are right as well", async () => {
  const text = buildLabTemplate({ name: "demo", idle: "40m", packages: ["pandas"] });
  const uncommented = text
    .split("\n")
    .filter((line) => !line.includes("requirements"))
    .map((line, index) => (index === 0 ? line : line.replace(/^( *)# /, "$1")))
    .join("\n");
  const lab = (await parseProject(Buffer.from(uncommented), "/nowhere")).workloads["notebook"];
  expect(lab).toMatchObject({
    password: "team_pass",
    maxAwakeMs: 86_400_000,
    python: "3.12",
    port: 8471,
    save: { token: "git_token", exclude: ["*.ckpt"] },
  });
});

test("a project that begins with a job loads, with its commented lines too, one or the other of what excludes itself", async () => {
  const text = buildJobTemplate("demo");
  expect((await parseProject(Buffer.from(text), "/nowhere")).workloads["train"]).toMatchObject({
    type: "job",
    target: "local",
    stdout: "output.txt",
    into: "results",
  });
  const uncommented = text.replace(/^(\s*)# (?!What|container|data)/gm, "$1");
  const loaded = await parseProject(
    Buffer.from(uncommented.replace("requirements.txt", "[numpy]")),
    "/nowhere",
  );
  expect(loaded.workloads["train"]).toMatchObject({ target: "box", gpus: 1, timeoutMs: 28_800_000 });
});

test("a project that begins with a service loads, with its commented lines too", async () => {
  const text = buildServiceTemplate("demo");
  const begun = await parseProject(Buffer.from(text), "/nowhere");
  expect(begun.workloads["web"]).toMatchObject({ type: "service", target: "local", port: 8080, replicas: 1 });
  expect(begun.pipelines["web"]?.stages.map(({ name }) => name)).toEqual(["test", "deploy"]);
  const loaded = await parseProject(
    Buffer.from(text.replace(/^(\s*)# (?!What|build)/gm, "$1").replace("requirements.txt #", "[flask] #")),
    "/nowhere",
  );
  expect(loaded.workloads["web"]).toMatchObject({ target: "box", replicas: 2, idleMs: 900_000 });
  expect(loaded.pipelines["web"]?.stages.map(({ name }) => name)).toEqual(["test", "validate", "deploy"]);
});
