// The command line as its users and their scripts meet it: usage, exit codes, JSON, colours, completion.
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { version } from "../src/base/version.ts";
import { takeLock } from "../src/state/lock.ts";
import { executable, makeScratch, removeScratch, runCli } from "./support/cli.ts";

const yaml = "name: vision-team\nworkloads:\n  notebook: { type: lab }\n  course: { type: lab }\n";
const project = makeScratch(yaml);
const empty = makeScratch();
const broken = makeScratch("name: x\nworkloads:\n  notebook: { type: lab, idel: 4m }\nfoo: 1\n");
const secret = makeScratch(
  'name: vision-team\nsecrets: { pass: { env: SESTA_TEST_PASS } }\nworkloads: { notebook: { type: lab, password: "${secret.pass}" } }\n',
);
afterAll(() => [project, empty, broken, secret].forEach(removeScratch));

const stack = /\n\s+at .+:\d+/;
const verbs =
  spawnSync(executable, ["--help"], { encoding: "utf8" })
    .stdout.split("COMMANDS\n")[1]
    ?.split("\n")
    .flatMap((line) => /^ {2}(\w+) /.exec(line)?.[1] ?? []) ?? [];

/** The others take -y too, and have nothing to say about it. */
const asking = [
  "deploy",
  "rollback",
  "init",
  "up",
  "down",
  "run",
  "eject",
  "save",
  "restore",
  "gateway",
  "pipeline run",
];

function onlyDocument(stdout: string): Record<string, unknown> {
  expect(stdout).toMatch(/^[^\n]+\n$/);
  return JSON.parse(stdout) as Record<string, unknown>;
}

describe("usage", () => {
  test.each(["--version", "-v"])("%s prints the version and nothing else", async (flag) => {
    expect(await runCli([flag], empty)).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
  });

  test("without a verb it says what there is", async () => {
    const { code, stdout } = await runCli([], empty);
    expect([code, verbs.length > 10, stdout.includes("COMMANDS")]).toEqual([0, true, true]);
  });

  const spoken = verbs.flatMap((verb) =>
    verb === "pipeline" ? ["pipeline run", "pipeline export"] : [verb],
  );
  test.each(spoken)("%s --help has an example of it and says what it takes", async (verb) => {
    const { code, stdout, stderr } = await runCli([...verb.split(" "), "--help"], empty);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(new RegExp(`Examples:\\n {2}\\$ sesta ${verb}\\b`));
    for (const flag of ["--json", "--directory"]) expect(stdout).toContain(flag);
    expect(stdout.includes("--yes")).toBe(asking.includes(verb));
  });

  test("--help of a verb begins with what it does", async () => {
    const { stdout } = await runCli(["rollback", "--help"], empty);
    expect(stdout).toContain("\n\nGo back to an earlier release, without a build. The last five");
  });

  test.each(["up", "plan", "down"])("%s --help shows that it needs no name", async (verb) => {
    expect((await runCli([verb, "--help"], empty)).stdout).toContain(`sesta ${verb} [NAME]...\n`);
  });

  test.each([
    [["stauts"], "status"],
    [["dwon"], "down"],
    [["status", "--jsn"], "--json"],
    [["logs", "notebook", "--folow"], "--follow"],
    [["why", "notebok"], "notebook"],
    [["plan", "cuorse"], "course"],
  ])("%j ends with 2 and names what is nearest", async (argv, nearest) => {
    const { code, stdout, stderr } = await runCli(argv, project);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(nearest);
    expect(stderr).not.toMatch(stack);
  });

  test.each([
    [["why"]],
    [["wake"]],
    [["awake", "notebook"]],
    [["awake", "notebook", "--for", "later"]],
    [["save", "notebook", "--onto", "--all"]],
    [["restore", "notebook", "--at", "soon"]],
    [["logs", "notebook", "-n", "many"]],
    [["status", "-z"]],
    [["status", "extra"]],
    [["status", "-C"]],
    [["completion", "tcsh"]],
    [["init", "tracker"]],
    [["gateway", "fly"]],
    [["down", "--forget"]],
    [["down", "--forget", "notebok"]],
  ])("%j ends with 2", async (argv) => {
    const { code, stdout, stderr } = await runCli(argv, project);
    expect([code, stdout, stderr === ""]).toEqual([2, "", false]);
    expect(stderr).not.toMatch(stack);
  });
});

describe("-C", () => {
  test.each([
    [["-C", project, "plan"]],
    [["plan", "-C", project]],
    [["--directory", project, "plan"]],
    [["plan", `--directory=${project}`]],
  ])("%j is the project there", async (argv) => {
    const { code, stderr } = await runCli(argv, empty);
    expect([code, stderr.includes("notebook on local")]).toEqual([0, true]);
  });

  test("without it the nearest folder above with a sesta.yaml; with it that one alone", async () => {
    const inner = join(project, "inner", "most");
    mkdirSync(inner, { recursive: true });
    expect((await runCli(["plan"], inner)).code).toBe(0);
    expect(await runCli(["plan", "-C", inner], project)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("there is no sesta.yaml") as string,
    });
  });
});

describe("--json", () => {
  test.each([
    [["plan"], ["project", "plans", "orphans"]],
    [["status"], ["project", "gateway", "workloads"]],
    [["history"], ["events", "use"]],
    [["doctor"], ["findings"]],
    [
      ["completion", "bash"],
      ["shell", "script"],
    ],
    [
      ["why", "notebook"],
      ["name", "state", "why"],
    ],
    [
      ["logs", "notebook"],
      ["name", "lines"],
    ],
  ])("%j is one document", async (argv, keys) => {
    const { stdout } = await runCli([...argv, "--json"], project);
    expect(Object.keys(onlyDocument(stdout))).toEqual(expect.arrayContaining(keys));
  });

  test("the project's status has the shape of the design", async () => {
    const { code, stdout } = await runCli(["status", "--json"], project);
    const none = {
      type: "lab",
      target: "local",
      state: "absent",
      url: null,
      since: null,
      saved_at: null,
      pid: null,
      agent_pid: null,
    };
    expect([code, onlyDocument(stdout)]).toEqual([
      0,
      {
        project: "vision-team",
        gateway: { url: null, pid: null },
        workloads: ["notebook", "course"].map((name) => ({
          ...none,
          name,
          why: expect.any(String) as string,
        })),
      },
    ]);
  });

  test.each([
    [["status"], empty, 2, "PROJECT_MISSING"],
    [["status"], broken, 2, "PROJECT_INVALID"],
    [["why", "nothing"], project, 2, "UNKNOWN_WORKLOAD"],
    [["sleep", "notebook"], project, 1, "NOT_UP"],
    [["open", "notebook"], project, 1, "NOT_UP"],
    [["awake", "notebook", "--for", "3h"], project, 1, "NOT_UP"],
    [["save", "notebook"], project, 1, "NOT_UP"],
    [["restore", "notebook"], project, 1, "NOT_UP"],
    [["save", "notebok"], project, 2, "UNKNOWN_WORKLOAD"],
    [["stauts"], project, 2, "USAGE"],
    [["why"], project, 2, "USAGE"],
    [["status", "--jsn"], project, 2, "USAGE"],
    [["completion", "tcsh"], project, 2, "USAGE"],
    [["init"], project, 2, "CONFIRMATION"],
    [["init", "lab"], project, 2, "USAGE"],
    [["up"], project, 2, "CONFIRMATION"],
    [["plan"], secret, 2, "SECRET_MISSING"],
  ])("%j in %s fails with one document as well", async (argv, cwd, exit, code) => {
    const ran = await runCli([...argv, "--json"], cwd);
    expect([ran.code, onlyDocument(ran.stdout)]).toMatchObject([
      exit,
      { error: { code, message: expect.any(String) as string } },
    ]);
    expect(ran.stdout + ran.stderr).not.toMatch(stack);
  });
});

describe("without a terminal", () => {
  test.each([[["up"]], [["gateway", "install"]], [["run", "--playbook", "sesta.yaml"]]])(
    "%j asks, so it ends with 2 and names -y",
    async (argv) => {
      const { code, stderr } = await runCli(argv, project, { HOME: empty });
      expect([code, /-y\b/.test(stderr)]).toEqual([2, true]);
    },
  );

  test("init names the form that asks nothing; that one writes a project, and refuses to write another over it", async () => {
    const folder = makeScratch();
    expect(await runCli(["init"], folder)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("sesta init lab") as string,
    });
    const first = await runCli(["init", "lab"], folder);
    expect([first.code, first.stdout.includes("sesta up")]).toEqual([0, true]);
    expect((await runCli(["plan"], folder, { TEAM_PASS: "x-password" })).code).toBe(0);
    expect(await runCli(["init", "lab"], folder)).toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringContaining("exists already") as string,
    });
    removeScratch(folder);
  });

  test("init makes the folder that -C names; where it cannot, it says so", async () => {
    const folder = makeScratch();
    expect((await runCli(["init", "lab", "-C", "new/team"], folder)).code).toBe(0);
    expect((await runCli(["plan", "-C", "new/team"], folder, { TEAM_PASS: "x-password" })).code).toBe(0);
    writeFileSync(join(folder, "file"), "");
    const { code, stderr } = await runCli(["init", "lab", "-C", "file/team"], folder);
    expect([code, stderr.includes("cannot be written"), stack.test(stderr)]).toEqual([2, true, false]);
    removeScratch(folder);
  });

  test("a verb with nothing to ask takes -y too", async () => {
    expect((await runCli(["status", "-y"], project)).code).toBe(0);
    expect((await runCli(["down", "-y"], project)).code).toBe(0);
  });
});

test("F20: while another command changes the project, up and down end with 75 and name it", async () => {
  const folder = makeScratch(yaml);
  mkdirSync(join(folder, ".sesta"), { mode: 0o700 });
  const lock = await takeLock(join(folder, ".sesta", "verb"), {
    verb: "up",
    pid: process.pid,
    since: Date.now(),
  });
  for (const verb of ["up", "down"]) {
    const { code, stdout, stderr } = await runCli([verb, "-y", "--json"], folder);
    expect([verb, code, onlyDocument(stdout)]).toMatchObject([verb, 75, { error: { code: "BUSY" } }]);
    expect(stderr).toContain(`\`sesta up\` (process ${process.pid}, for `);
  }
  lock.release();
  removeScratch(folder);
});

test("problems of the project are printed with their place, all in one go", async () => {
  const { code, stderr } = await runCli(["status"], broken);
  expect(code).toBe(2);
  for (const problem of [
    /sesta\.yaml:1:7: .*"x"/,
    /sesta\.yaml:3:26: .*"idel".*"idle"/,
    /sesta\.yaml:4:1: .*"foo"/,
  ])
    expect(stderr).toMatch(problem);
});

test("a plan says what is missing before anything is done, and nothing of what is there", async () => {
  expect(await runCli(["plan"], secret)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("SESTA_TEST_PASS") as string,
  });
  const { code, stdout, stderr } = await runCli(["plan"], secret, { SESTA_TEST_PASS: "canary-81c2" });
  expect([code, (stdout + stderr).includes("canary-81c2")]).toEqual([0, false]);
});

test.each<[string, NodeJS.ProcessEnv, boolean]>([
  ["piped", {}, false],
  ["FORCE_COLOR", { FORCE_COLOR: "1" }, true],
  ["NO_COLOR", { NO_COLOR: "1" }, false],
  ["both", { NO_COLOR: "1", FORCE_COLOR: "1" }, false],
])("colour: %s", async (_what, env, coloured) => {
  const { stdout } = await runCli(["status"], project, env);
  expect(stdout.includes("\u001b[")).toBe(coloured);
});

const shells = {
  bash: (script: string, words: string) => `source ${script}
    COMP_WORDS=(sesta ${words}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _sesta; printf '%s\\n' "\${COMPREPLY[@]}"`,
  zsh: (
    script: string,
    words: string,
  ) => `compdef() { :; }; compadd() { shift; print -l -- "$@"; }; _files() { :; }
    source ${script}; words=(sesta ${words}); CURRENT=\${#words}; _sesta`,
  fish: (script: string, words: string) =>
    `source ${script}; complete --do-complete ${JSON.stringify(`sesta ${words.replace(/''$/, "")}`)}`,
};

describe.each(Object.keys(shells) as (keyof typeof shells)[])("completion in %s", (shell) => {
  const isHere = spawnSync(shell, ["-c", "true"]).status === 0;
  if (!isHere) console.log(`skipped: ${shell} is not here`);

  test.skipIf(!isHere).each([
    ["sta", ["status"]],
    ["''", verbs],
    ["status --w", ["--watch"]],
    ["why note", ["notebook"]],
    ["up ''", ["notebook", "course"]],
    ["completion ''", ["bash", "zsh", "fish"]],
    [`-C ${project} up cou`, ["course"]],
  ])("sesta %s", async (words, proposals) => {
    const script = join(project, `completion.${shell}`);
    writeFileSync(script, (await runCli(["completion", shell], project)).stdout);
    const env = { ...process.env, PATH: `${join(executable, "..")}:${process.env["PATH"]}` };
    const operands = shell === "fish" ? ["--no-config", "-c"] : shell === "zsh" ? ["-f", "-c"] : ["-c"];
    const ran = spawnSync(shell, [...operands, shells[shell](script, words)], {
      cwd: project,
      env,
      encoding: "utf8",
    });
    expect(ran.stderr).toBe("");
    expect(
      ran.stdout
        .trim()
        .split("\n")
        .map((line) => line.trim())
        .toSorted(),
    ).toEqual(proposals.toSorted());
  });
});
