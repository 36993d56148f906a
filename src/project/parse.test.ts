// What the project file accepts and refuses, word by word.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { SestaError } from "../base/errors.ts";
import { findLab, listLabs } from "../model/project.ts";
import { parseProject } from "./parse.ts";

type BadFile = { title: string; text: string; problems: string[] };
const badFiles = JSON.parse(readFileSync(new URL("bad-files.json", import.meta.url), "utf8")) as BadFile[];

const outer = mkdtempSync(join(tmpdir(), "sesta-parse-"));
const folder = join(outer, "project");
for (const name of [folder, join(folder, "afolder"), join(folder, ".sesta"), join(outer, "outside")])
  mkdirSync(name);
for (const name of ["project/afile", "project/sesta.yaml", "project/requirements.txt", "outside/hosts"]) {
  writeFileSync(join(outer, name), "");
}
symlinkSync("../outside", join(folder, "out"));
symlinkSync("nowhere", join(folder, "broken"));
symlinkSync(".sesta", join(folder, "own"));
afterAll(() => rmSync(outer, { recursive: true }));

const parse = (text: string) => parseProject(Buffer.from(text), folder);

async function problemsOf(text: string): Promise<readonly string[]> {
  const error: unknown = await parse(text).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof SestaError)) throw new Error(`no SestaError: ${String(error)}`);
  expect(error.code).toBe("PROJECT_INVALID");
  return error.problems;
}

test.each(badFiles)("refuses $title", async ({ text, problems }) => {
  expect(await problemsOf(text)).toEqual(problems.map((problem) => `sesta.yaml:${problem}`));
});

test("a whole project is resolved", async () => {
  const project = await parse(`
name: vision-team
target: here
gateway: { host: "::1", port: 9000 }
secrets:
  team_pass: { env: TEAM_PASS }
  from_file: { file: "\${env.CREDENTIALS}/pass" }
  from_store: { command: "pass show team" }
targets: { here: { type: local } }
workloads:
  notebook:
    type: lab
    target: local
    password: \${secret.team_pass}
    idle: 1h30m
    max_awake: 24h
    packages: [pandas, "scikit-learn==1.5", "x[a,b]>=1,<2; python_version < '3.13'"]
    requirements: ./requirements.txt
    python: "3.10"
    port: 9001
    workspace: work//shared/
    keep_awake: { cpu: 50%, gpu: 20%, for: 90s, command: ./busy.sh }
    save:
      repo: ../saves.git
      branch: team/notebook
      include: [data/*.csv]
      exclude: ["*.ckpt"]
      max_file: 2MB
      every: 30s
      lfs: true
      author: Ada Lovelace <ada@example.org>
  other: { type: lab, idle: never, python: 3.12, password: \${secret.from_file} }
`);
  expect(project).toEqual({
    name: "vision-team",
    folder,
    gateway: { host: "::1", port: 9000, insecure: false },
    secrets: {
      team_pass: { env: "TEAM_PASS" },
      from_file: { file: [{ env: "CREDENTIALS" }, "/pass"] },
      from_store: { command: "pass show team" },
    },
    targets: { local: { type: "local" }, here: { type: "local" } },
    workloads: {
      notebook: {
        type: "lab",
        name: "notebook",
        target: "local",
        password: "team_pass",
        idleMs: 5_400_000,
        maxAwakeMs: 86_400_000,
        packages: ["pandas", "scikit-learn==1.5", "x[a,b]>=1,<2; python_version < '3.13'"],
        requirements: "requirements.txt",
        python: "3.10",
        port: 9001,
        workspace: "work/shared",
        keepAwake: { cpuPercent: 50, gpuPercent: 20, forMs: 90_000, command: "./busy.sh" },
        save: {
          repo: "../saves.git",
          branch: "team/notebook",
          include: ["data/*.csv"],
          exclude: ["*.ckpt"],
          maxFileBytes: 2_097_152,
          everyMs: 30_000,
          lfs: true,
          author: { name: "Ada Lovelace", email: "ada@example.org" },
        },
      },
      other: {
        type: "lab",
        name: "other",
        target: "here",
        password: "from_file",
        idleMs: null,
        maxAwakeMs: null,
        packages: [],
        python: "3.12",
        workspace: "other",
      },
    },
    registries: {},
    pipelines: {},
  });
});

test("defaults: loopback, local, 40 idle minutes; empty sections are as if left out", async () => {
  const project = await parse("name: demo\ngateway:\nsecrets:\ntargets:\nworkloads: { nb: { type: lab } }\n");
  expect(project.gateway).toEqual({ host: "127.0.0.1", insecure: false });
  expect(project.workloads["nb"]).toMatchObject({
    target: "local",
    idleMs: 2_400_000,
    maxAwakeMs: null,
    workspace: "nb",
  });
  expect(project.workloads["nb"]).not.toHaveProperty("python");
});

test("a save by default: the repository's own branch, 100 MiB, every 10 s, no Git LFS; signs for 5 min", async () => {
  const project = await parse(
    "name: demo\nsecrets: { t: { env: T } }\nworkloads: { nb: { type: lab, keep_awake: { gpu: 5% }, save: { repo: https://h/x.git, token: ${secret.t} } } }\n",
  );
  expect(project.workloads["nb"]).toMatchObject({
    keepAwake: { gpuPercent: 5, forMs: 300_000 },
    save: {
      repo: "https://h/x.git",
      branch: null,
      token: "t",
      include: [],
      exclude: [],
      maxFileBytes: 104_857_600,
      everyMs: 10_000,
      lfs: false,
    },
  });
});

test("labs save side by side: in repositories or on branches of their own", async () => {
  const project = await parse(`name: demo
workloads:
  a: { type: lab, save: { repo: ../x.git, branch: a } }
  b: { type: lab, save: { repo: ../x.git, branch: b } }
  c: { type: lab, save: { repo: ./saves/c.git } }
`);
  expect(listLabs(project).map(({ save }) => save?.repo)).toEqual(["../x.git", "../x.git", "./saves/c.git"]);
});

test.each(["127.0.0.1", "127.9.9.9", "localhost", "'::1'", "'0:0:0:0:0:0:0:1'"])(
  "%s needs no consent",
  async (host) => {
    expect((await parse(`name: demo\ngateway: { host: ${host} }\n`)).gateway.insecure).toBe(false);
  },
);

test("an open address needs consent, and says so in the project", async () => {
  const project = await parse("name: demo\ngateway: { host: 0.0.0.0, insecure: true }\n");
  expect(project.gateway).toEqual({ host: "0.0.0.0", insecure: true });
});

test("anchors work within their limits", async () => {
  const project = await parse(
    "name: demo\nworkloads: { a: { type: lab, packages: &p [pandas] }, b: { type: lab, packages: *p } }\n",
  );
  expect(project.workloads["b"]).toMatchObject({ packages: ["pandas"] });
});

test("T10: an alias bomb is refused", async () => {
  const levels = Array.from(
    { length: 12 },
    (_, level) => `l${level + 1}: &l${level + 1} [${Array(9).fill(`*l${level}`).join(", ")}]`,
  );
  const problems = await problemsOf(`name: demo\nl0: &l0 [x]\n${levels.join("\n")}\n`);
  expect(problems.join("\n")).toMatch(/more than 100 aliases/);
});

test("T10: an alias to itself is refused", async () => {
  expect((await problemsOf("name: demo\nworkloads: &w { a: *w }\n")).join("\n")).toMatch(
    /nested too deeply|aliases|a mapping/,
  );
});

test("T10: deep nesting and very many values are refused", async () => {
  expect((await problemsOf(`name: ${"[".repeat(5000)}`)).length).toBeGreaterThan(0);
  expect((await problemsOf(`name: ${"[".repeat(40)}${"]".repeat(40)}\n`)).join("\n")).toMatch(
    /nested too deeply/,
  );
  expect((await problemsOf(`name: demo\nworkloads: [${"1,".repeat(20_001)}]\n`)).join("\n")).toMatch(
    /more than 20000 values/,
  );
});

test("a flood of problems is cut, and says so", async () => {
  const problems = await problemsOf(
    `name: demo\n${Array.from({ length: 150 }, (_, n) => `k${n}: 1`).join("\n")}\n`,
  );
  expect(problems).toHaveLength(101);
  expect(problems.at(-1)).toBe("… and 50 more problems");
});

test("bytes that are not UTF-8 are shown where they stand", async () => {
  const bytes = Buffer.concat([Buffer.from("name: demo\n# caf"), Buffer.from([0xe9]), Buffer.from("\n")]);
  await expect(parseProject(bytes, folder)).rejects.toMatchObject({
    code: "PROJECT_INVALID",
    problems: ["sesta.yaml:2:6: this is not UTF-8: save the file as UTF-8"],
  });
  await expect(parseProject(Buffer.from("\uFEFFname: demo\n", "utf16le"), folder)).rejects.toMatchObject({
    problems: ["sesta.yaml:1:1: the file is UTF-16: save it as UTF-8"],
  });
});

test("a reference stands unquoted also within braces, as the project file shows it", async () => {
  const project = await parse(
    "name: demo\nsecrets: { p: { file: ${env.HOME}/p } }\nworkloads: { nb: { type: lab, password: ${secret.p} } }\n",
  );
  expect(findLab(project, "nb")?.password).toBe("p");
  expect(project.secrets["p"]).toEqual({ file: [{ env: "HOME" }, "/p"] });
});

test("an example is offered for wrong keys, not for text that is no YAML", async () => {
  const hintOf = (text: string) =>
    parseProject(Buffer.from(text), "/nowhere").then(
      () => "none",
      (error: unknown) => (error instanceof SestaError ? error.hint : "a bug"),
    );
  expect(await hintOf("name: demo\nworkload: {}\n")).toContain("sesta init lab");
  expect(await hintOf("name: [demo\n")).toBeUndefined();
  expect(await hintOf("name: demo\n\tx: 1\n")).toBeUndefined();
});

test("a repository in the workspace of any lab is refused, however it is written", async () => {
  const repo = (text: string) => `name: demo
workloads:
  a: { type: lab, workspace: notes, save: { repo: ${text}, branch: a } }
  b: { type: lab }
`;
  for (const [text, own] of [
    ["./notes", "notes"],
    ["notes/saves.git", "notes"],
    ["b", "b"],
    ["./b/../b/saves.git", "b"],
    [`${folder}/b/saves.git`, "b"],
    [`file://${folder}/notes`, "notes"],
    [".sesta/saves.git", ".sesta"],
  ] as const)
    expect(await problemsOf(repo(text))).toEqual([
      expect.stringContaining(`the repository cannot be in "${own}"`),
    ]);
});

test("two labs on one branch, and two that may be on one: the message says which", async () => {
  const both = (one: string, other: string) => `name: demo
workloads:
  a: { type: lab, save: { repo: ../x.git${one} } }
  b: { type: lab, save: { repo: ../x.git${other} } }
`;
  const message = async (one: string, other: string) => (await problemsOf(both(one, other))).join("\n");
  expect(await message(", branch: m", ", branch: m")).toContain(
    'a saves to the branch "m" of this repository',
  );
  for (const [one, other] of [
    ["", ""],
    [", branch: m", ""],
    ["", ", branch: m"],
  ] as const)
    expect(await message(one, other)).toContain(
      "a saves to the same repository, and where `branch` is missing",
    );
});

test("a job that reports has what MLflow measures its machine and its GPUs with, once", async () => {
  const packagesOf = async (packages: string) => {
    const { workloads } = await parse(
      `name: demo\nworkloads:\n  tracking: { type: tracker }\n  train: { type: job, run: "true", tracker: tracking, python: { packages: [${packages}] } }\n`,
    );
    const { train } = workloads;
    return train?.type === "job" ? train.python?.packages : undefined;
  };
  expect(await packagesOf("mlflow-skinny")).toEqual(["mlflow-skinny", "psutil", "nvidia-ml-py"]);
  expect(await packagesOf("psutil==7.2.2, Nvidia_ML.py>=12")).toEqual(["psutil==7.2.2", "Nvidia_ML.py>=12"]);
});
