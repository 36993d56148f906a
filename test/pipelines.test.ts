// Pipelines by the command line alone: real git, real sh; what runs, what is taken from earlier, what is handed on.
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { listLiving, until } from "./faults/support/processes.ts";
import { createPipelineProject, listWork, type PipelineProject } from "./support/pipeline-project.ts";
import { hasTerminal, runOnTerminal } from "./support/cli.ts";

let project: PipelineProject;
afterEach(() => project?.end(), 60_000);

const states = (stages: readonly { name: string; state: string; cached: boolean }[]) =>
  stages.map(({ name, state, cached }) => `${name} ${cached ? "cached" : state}`);

const three = `name: demo
pipelines:
  p:
    lint: { run: "echo lint >>$TOLD; test ! -e uncommitted; cat source.txt" }
    train:
      run: "echo train >>$TOLD; mkdir out; cp source.txt out/model; echo run >out/go.sh; chmod +x out/go.sh; echo x >stray"
      outputs: [out/]
    validate:
      needs: [lint, train]
      run: 'echo validate >>$TOLD; test ! -e stray; test -x out/go.sh; echo "accuracy: $(cat out/model)"'
      metric: { name: accuracy, pattern: "accuracy: ([0-9.]+)", min: 0.9 }
`;

test("a run, the same again, a change of what one stage sees, and one of the tree", async () => {
  project = await createPipelineProject(three, { "source.txt": "0.95\n" });
  project.write("uncommitted", "");
  const first = await project.run();
  expect([first.code, states(first.json.stages)]).toEqual([
    0,
    ["lint succeeded", "train succeeded", "validate succeeded"],
  ]);
  expect(first.json).toMatchObject({
    pipeline: "p",
    commit: project.git("rev-parse", "HEAD"),
    dirty: true,
    state: "succeeded",
  });
  expect(first.stderr.match(/uncommitted changes are left out/g)).toHaveLength(1);
  expect(first.json.stages[2]?.metric).toEqual({
    name: "accuracy",
    value: 0.95,
    text: "0.95",
    min: 0.9,
    max: null,
    passed: true,
  });
  expect(first.json.stages[1]?.outputs.map(({ path }) => path)).toEqual(["out/go.sh", "out/model"]);
  const { log } = first.json.stages[2] ?? {};
  expect(log).toBe(project.path(".sesta", "pipelines", first.json.id, "validate.log"));
  expect(readFileSync(log ?? "", "utf8")).toBe("accuracy: 0.95\n");
  expect([statSync(log ?? "").mode & 0o777, statSync(join(log ?? "", "..")).mode & 0o777]).toEqual([
    0o600, 0o700,
  ]);
  expect(listWork(project)).toEqual([]);

  const again = await project.run();
  expect(states(again.json.stages)).toEqual(["lint cached", "train cached", "validate cached"]);
  expect(again.json.stages[2]?.metric).toEqual(first.json.stages[2]?.metric);
  expect(project.told()).toHaveLength(3);

  writeFileSync(project.path("sesta.yaml"), three.replace("min: 0.9", "min: 0.99"));
  const stricter = await project.run();
  expect([stricter.code, states(stricter.json.stages)]).toEqual([
    1,
    ["lint cached", "train cached", "validate failed"],
  ]);
  expect(stricter.json.stages[2]?.why).toBe("accuracy 0.95 is less than 0.99");

  project.write("source.txt", "0.999\n");
  project.commit();
  const other = await project.run();
  expect(states(other.json.stages)).toEqual(["lint succeeded", "train succeeded", "validate succeeded"]);
  expect((await project.run(["--no-cache"])).json.stages.some(({ cached }) => cached)).toBe(false);
});

test("--only, --from and a stage that runs by hand", async () => {
  const byHand = '    tidy: { run: "echo tidy >>$TOLD", when: manual }\n';
  project = await createPipelineProject(three + byHand, { "source.txt": "0.95\n" });
  const early = await project.run(["--only", "validate"]);
  expect([early.code, states(early.json.stages)]).toEqual([
    1,
    ["lint failed", "train failed", "validate skipped"],
  ]);
  expect(early.json.stages[0]?.why).toMatch(/no result for this commit yet/);
  expect(states((await project.run(["--only", "train"])).json.stages)).toEqual(["train succeeded"]);
  expect(states((await project.run(["--from", "lint"])).json.stages)).toEqual([
    "lint succeeded",
    "train cached",
    "validate succeeded",
  ]);
  expect(states((await project.run(["--only", "validate"])).json.stages)).toEqual([
    "lint cached",
    "train cached",
    "validate cached",
  ]);
  expect(states((await project.run(["--only", "tidy"])).json.stages)).toEqual(["tidy succeeded"]);
  expect(project.told()).toEqual(["train", "lint", "validate", "tidy"]);
});

test("what fails is shown with its last lines and its log; --keep-going goes on with the rest", async () => {
  project = await createPipelineProject(`name: demo
pipelines:
  p:
    bad: { run: "seq 1 30; echo oh no >&2; exit 7" }
    after: { run: "true", needs: [bad] }
    slow: { run: "true", needs: [other] }
    other: { run: "true" }
`);
  const { code, stderr, stdout } = await project.sesta(["pipeline", "run", "--keep-going"]);
  expect([code, stdout]).toEqual([1, expect.stringMatching(/^p-1-\w+ failed: 4 stages/)]);
  expect(stderr).toContain("✗ bad");
  expect(stderr).toMatch(/error: bad: it ended with 7\n/);
  expect(stderr).toMatch(/│ 30\n/);
  expect(stderr).not.toMatch(/│ 10\n/);
  expect(stderr).toMatch(/│ oh no\n/);
  expect(stderr).toMatch(/log: \S+\/bad\.log\n/);
  expect(stderr).toMatch(/- after {2}bad failed/);
  expect(stderr).toMatch(/✓ slow/);
});

test("an output that was not made, a time limit, and what a stage leaves running", async () => {
  project = await createPipelineProject(`name: demo
pipelines:
  p:
    a: { run: "echo x", outputs: [model.pkl] }
    b: { run: "trap '' TERM; sleep 7321 & wait; sleep 7321", timeout: 1s }
    c: { run: "sleep 7321 & echo left" }
    d: { run: "echo $$ >pid.txt; cat", outputs: [pid.txt] }
`);
  const { code, json } = await project.run(["--keep-going"]);
  expect([code, states(json.stages)]).toEqual([1, ["a failed", "b failed", "c succeeded", "d succeeded"]]);
  expect(json.stages.map(({ why }) => why)).toEqual([
    "it did not make model.pkl",
    "it took longer than 1s",
    null,
    null,
  ]);
  expect(listLiving("sleep 7321")).toEqual([]);
}, 30_000);

test("secrets: given to the stage that names them, kept out of logs and results, a change runs it again", async () => {
  project = await createPipelineProject(`name: demo
secrets: { token: { env: TOKEN }, other: { env: OTHER } }
pipelines:
  p:
    a: { run: "echo got $T $OTHER $WHO; echo $T >&2", env: { T: "\${secret.token}", WHO: "i am \${env.WHO}" } }
`);
  const env = { TOKEN: "canary-91fe2", OTHER: "canary-other", WHO: "ada" };
  const first = await project.run([], env);
  expect(first.code).toBe(0);
  expect(readFileSync(first.json.stages[0]?.log ?? "", "utf8")).toBe("got [redacted] i am ada\n[redacted]\n");
  const found = project.git("grep", "--no-index", "-l", "-a", "-e", "x", "--", ".sesta").split("\n");
  expect(found.length).toBeGreaterThan(0);
  for (const name of found) expect(readFileSync(project.path(name), "latin1")).not.toMatch(/canary/);
  expect(states((await project.run([], env)).json.stages)).toEqual(["a cached"]);
  expect(states((await project.run([], { ...env, TOKEN: "canary-new" })).json.stages)).toEqual([
    "a succeeded",
  ]);
  expect(states((await project.run([], { ...env, WHO: "bob" })).json.stages)).toEqual(["a succeeded"]);
  const missing = await project.sesta(["pipeline", "run"], { ...env, WHO: undefined });
  expect([missing.code, missing.stderr]).toEqual([2, expect.stringContaining("WHO is not set")]);
});

test("no repository, no commit, a folder inside a repository, and names that are none", async () => {
  project = await createPipelineProject(three, { "source.txt": "0.95\n" });
  const inner = project.path("inner");
  project.write("inner/sesta.yaml", three);
  project.write("inner/source.txt", "0.97\n");
  project.commit();
  const { code, stdout } = await project.sesta(["pipeline", "run", "--json", "-C", inner]);
  expect([code, JSON.parse(stdout)]).toMatchObject([0, { stages: [{}, {}, { metric: { text: "0.97" } }] }]);
  for (const [argv, said] of [
    [["nope"], /No pipeline is called "nope".*\n.*Did you mean "p"/],
    [["--only", "nope"], /no stage "nope"/],
    [["--only", "lint", "--from", "lint"], /exclude each other/],
  ] as const) {
    const ran = await project.sesta(["pipeline", "run", ...argv]);
    expect([ran.code, ran.stderr]).toEqual([2, expect.stringMatching(said)]);
  }
  project.write("../alone/sesta.yaml".replace("../alone", "alone"), three);
  const bare = await project.sesta(["pipeline", "run"], { GIT_DIR: "/nonexistent" });
  expect([bare.code, bare.stderr]).toEqual([
    2,
    expect.stringContaining("git init && git add -A && git commit"),
  ]);
});

test("two at once wait for each other, and the second takes what the first has made", async () => {
  project = await createPipelineProject(`name: demo
pipelines:
  p:
    a: { run: "echo a >>$TOLD; until test -e $TOLD.go; do sleep 0.05; done" }
`);
  const first = project.begin(["pipeline", "run", "--json"]);
  await until(() => project.told().length === 1, "the first never began");
  const second = project.begin(["pipeline", "run", "--json"]);
  await until(
    () => second.stderr().includes("waiting: `sesta pipeline run p`"),
    () => second.stderr(),
  );
  writeFileSync(join(project.cache, "told.go"), "");
  const [one, two] = await Promise.all([first.ended, second.ended]);
  expect([one.code, two.code]).toEqual([0, 0]);
  expect(JSON.parse(two.stdout)).toMatchObject({ stages: [{ cached: true }] });
  expect(project.told()).toEqual(["a"]);
});

test("Ctrl-C ends what runs, whatever it thinks of it, and says how to go on", async () => {
  project = await createPipelineProject(`name: demo
pipelines:
  p:
    quick: { run: "echo quick >>$TOLD" }
    deaf: { run: "trap '' TERM INT; echo deaf >>$TOLD; setsid sleep 7322 & sleep 7322; sleep 7322", needs: [quick] }
    never: { run: "echo never >>$TOLD", needs: [deaf] }
`);
  const run = project.begin(["pipeline", "run"]);
  await until(() => project.told().includes("deaf"), "it never began");
  run.kill("SIGINT");
  const { code, stderr } = await run.ended;
  expect([code, stderr]).toEqual([130, expect.stringContaining("`sesta pipeline run p` goes on")]);
  await until(() => listLiving("sleep 7322").length === 0, "something lives on");
  expect([listWork(project), project.told()]).toEqual([[], ["quick", "deaf"]]);
  writeFileSync(
    project.path("sesta.yaml"),
    (await project.read("sesta.yaml")).replace("trap", "exit 0; trap"),
  );
  expect(states((await project.run()).json.stages)).toEqual([
    "quick cached",
    "deaf succeeded",
    "never succeeded",
  ]);
}, 30_000);

test("in GitHub Actions: a group for each stage, which cannot give the runner commands", async () => {
  project = await createPipelineProject(
    `name: demo\npipelines: { p: { a: { run: "echo '::set-env name=X::y'; exit 3" } } }\n`,
  );
  const { stderr } = await project.sesta(["pipeline", "run"], { GITHUB_ACTIONS: "true" });
  expect(stderr).toMatch(
    /^::group::a\n::stop-commands::(\w{32})\n::set-env name=X::y\n::\1::\n::endgroup::\n/,
  );
  expect(stderr).toContain("::error title=a::it ended with 3\n");
});

test("services: their stages say what they wait for, and destroy asks first", async () => {
  project = await createPipelineProject(`name: demo
workloads: { nb: { type: lab } }
pipelines: { p: { a: { deploy: nb } } }
`);
  const { code, stderr } = await project.sesta(["pipeline", "run"]);
  expect([code, stderr]).toEqual([2, expect.stringContaining('"nb" is a lab; `deploy` needs a service')]);
});

test.skipIf(!hasTerminal)(
  "on a terminal: a line a stage, the last output line under it, all of it in place",
  async () => {
    project = await createPipelineProject(`name: demo
pipelines:
  p:
    a: { run: "printf 'one\\\\rtwo\\\\033[2J\\\\n'; sleep 0.4" }
    b: { run: "true", needs: [a] }
`);
    const { code, screen } = runOnTerminal(["pipeline", "run", "-C", project.folder], project.folder, [], {
      SESTA_CACHE: project.cache,
      TOLD: join(project.cache, "told"),
    });
    expect(code).toBe(0);
    expect(screen).toMatch(/⠙ ?|⠹/);
    expect(screen).toMatch(/ {2}.*two/);
    expect(screen).not.toContain("\u001b[2J");
    expect(screen).toMatch(/✓.* a .*\r?\n/);
    expect(screen).toMatch(/succeeded.*: 2 stages/);
    expect(existsSync(project.path(".sesta"))).toBe(true);
  },
);

test("a stage that prints more than anybody could keep, and one that writes no line", async () => {
  project = await createPipelineProject(`name: demo
pipelines:
  p:
    loud: { run: "seq 1 300000; echo done: 7", metric: { name: n, pattern: "done: (.*)" } }
    long: { run: "head -c 300000 /dev/zero | tr '\\\\0' x; printf '\\\\303\\\\244 tail'" }
`);
  const { code, json } = await project.run();
  expect([code, json.stages[0]?.metric?.text]).toEqual([0, "7"]);
  expect(readFileSync(json.stages[0]?.log ?? "", "utf8").split("\n")).toHaveLength(300_002);
  expect(readFileSync(json.stages[1]?.log ?? "", "utf8").replaceAll("\n", "")).toBe(
    `${"x".repeat(300_000)}ä tail`,
  );
});
