// Jobs on this machine, by the command line alone: examples/train, and small programs for all that is not Python.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ProjectStatus } from "../src/model/status.ts";
import { until } from "./faults/support/processes.ts";
import { findMissingLab } from "./support/example-project.ts";
import { createJobProject, listTree, listWorkingIn, type JobProject } from "./support/job-project.ts";
import { findUv } from "./support/lab-environment.ts";

const missingUv = findUv() === undefined ? "uv is not there and cannot be installed" : "";
if (missingUv !== "") console.warn(`jobs-local.test.ts, examples/train: skipped: ${missingUv}`);

const outputs = ["output.txt", "output/checkpoint.npz", "output/loss.csv", "output/metrics.json"];
const allOutputs = [...outputs, "output/model.npz"];

function git(folder: string, ...operands: string[]): string {
  const who = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.org"];
  const env = { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null" };
  return execFileSync("git", ["-C", folder, ...who, ...operands], { encoding: "utf8", env }).trim();
}

describe.skipIf(missingUv !== "")("examples/train on this machine", { timeout: 120_000 }, () => {
  let project: JobProject;
  let commit: string;
  const result = (...parts: string[]) => readFileSync(project.path("results", ...parts));
  const plan = () => readPlan(project);

  beforeAll(async () => {
    project = await createJobProject({ example: "train" });
    git(project.folder, "init", "--quiet", "--initial-branch=main");
    git(project.folder, "add", ".");
    git(project.folder, "commit", "--quiet", "--message", "train");
    commit = git(project.folder, "rev-parse", "HEAD");
  });
  afterAll(() => project?.end(), 60_000);

  test("the plan says what is to be done, and does none of it", async () => {
    const text = await plan();
    expect(text).toContain("+ train on local: create (free, on this machine)");
    expect(text).toMatch(/send the sources, \d+ files\n +make a Python environment with numpy/);
    expect(listTree(project.home).filter((path) => !path.startsWith(".sesta/bin/"))).toEqual([]);
    expect(await project.workload("train")).toMatchObject({ type: "job", state: "absent" });
  });

  test("run: shows its output byte for byte, brings it home, and remembers how it was", async () => {
    const { code, stdout, stderr } = await project.sesta(["run", "train"]);
    expect([code, stderr]).toEqual([0, expect.stringContaining("train-1-")]);
    expect(stdout.match(/^epoch \d\/5  loss /gm)).toHaveLength(5);
    expect(result("output.txt").toString()).toBe(stdout);
    expect(listTree(project.path("results"))).toEqual(allOutputs);
    const sizes = allOutputs.map((path) => result(path).length);
    const [run, ...others] = await project.runs();
    expect(others).toEqual([]);
    expect(run).toMatchObject({
      job: "train",
      state: "succeeded",
      exit_code: 0,
      machine: "local",
      target: "local",
      commit,
      dirty: false,
      args: [],
      why: null,
      container: null,
      packages: ["numpy==2.3.5"],
      fetched: { files: 5, bytes: sizes.reduce((sum, size) => sum + size, 0), into: project.path("results") },
    });
    const [started, ended] = [Date.parse(run?.started ?? ""), Date.parse(run?.ended ?? "")];
    expect(ended).toBeGreaterThanOrEqual(started);
    expect(Date.now() - ended).toBeLessThan(60_000);
    expect(run?.peak_memory_bytes).toBeGreaterThan(10_000_000);
    expect((await project.must(["why", "train"])).stdout).toMatch(
      /^train is asleep, .*Its latest run, train-1-\w+, succeeded\./,
    );
  });

  test("nothing is left to set up, and nothing is set up again", async () => {
    expect(await plan()).toContain("train on local: unchanged");
    const places = () => listTree(join(project.home, ".sesta", "cache")).length;
    const before = places();
    const { stderr } = await project.must(["up", "-y"]);
    expect(stderr).toContain("Nothing to change");
    expect(places()).toBe(before);
  });

  test("a rerun with other arguments comes beside the first, which stays as it is", async () => {
    const before = listTree(project.path("results")).map((path) => result(path).toString("base64"));
    project.write("train.py", `${await project.read("train.py")}\n# another state of the sources\n`);
    expect(await plan()).toMatch(/train on local: change[^\n]*\n +send the sources, \d+ files\n(?! +make)/);
    const { stdout } = await project.must(["run", "train", "--", "--epochs", "1", "--seed", "7"]);
    expect(stdout.match(/^epoch \d\/\d/gm)).toEqual(["epoch 1/1"]);
    const run = await project.run("train");
    expect(run).toMatchObject({ args: ["--epochs", "1", "--seed", "7"], commit, dirty: true });
    expect(run.fetched?.into).toBe(project.path("results", run.id));
    expect(listTree(project.path("results", run.id))).toEqual(allOutputs);
    expect(JSON.parse(result(run.id, "output/metrics.json").toString())).toMatchObject({
      epochs: 1,
      seed: 7,
    });
    expect(allOutputs.map((path) => result(path).toString("base64"))).toEqual(before);
  });

  test("-d lets go at once; logs -f, fetch, exec and status see it run; stop ends it", async () => {
    const id = (await project.must(["run", "train", "-d", "--", "--epochs", "100000"])).stdout.trim();
    const follower = project.begin(["logs", "train", "-f"]);
    await until(() => follower.stdout().includes("epoch 3/"), "no line came");
    const { workloads } = await project.json<ProjectStatus>(["status"]);
    expect(workloads).toMatchObject([{ name: "train", state: "awake", why: `${id} is running.` }]);
    expect((await project.must(["why", "train"])).stdout).toContain(`train is awake`);
    const fetched = await project.must(["fetch", "train"]);
    expect(fetched.stdout).toContain(project.path("results", id));
    expect(result(id, "output.txt").toString()).toContain("epoch 3/100000");
    const inside = await project.must(["exec", "train", "--", "sh", "-c", "pwd; command -v python"]);
    expect(inside.stdout).toMatch(/\/runs\/train-3-\w+\/work\n.*\/\.sesta\/cache\/environments\/.*python\n/);
    expect((await project.must(["stop", "train"])).stdout).toBe(`${id} stopped\n`);
    const { code, stdout } = await follower.ended;
    expect([code, stdout]).toEqual([0, expect.stringContaining("signal 15: output/checkpoint.npz holds")]);
    expect(await project.run("train")).toMatchObject({ id, state: "stopped", why: "It was stopped." });
    expect(listWorkingIn(join(project.home, ".sesta", "runs"))).toEqual([]);
    await project.must(["fetch", "train"]); // again, into the same folder: what came since
    expect(result(id, "output.txt").toString()).toBe(stdout);
  });

  test("ended from outside it is tried again, goes on from its checkpoint, and has the same result", async () => {
    const held = project.begin(["run", "train"]);
    await until(() => held.stdout().includes("epoch 2/5"), "it does not begin");
    const { id, nodes } = await project.run("train");
    const program = listWorkingIn(nodes[0]?.folder ?? "?").find(({ command }) => /^\S*python/.test(command));
    process.kill(program?.pid ?? 0, "SIGTERM");
    const { code, stdout, stderr } = await held.ended;
    expect([code, stderr]).toEqual([0, expect.stringContaining("trying again (2 left)")]);
    expect(stdout).toMatch(
      /signal 15: .*\noutput\/checkpoint\.npz: going on after \d epochs and \d+ batches/,
    );
    const run = await project.run("train");
    expect(run).toMatchObject({ id, state: "succeeded", nodes: [{ attempts: 2 }] });
    for (const path of ["output/metrics.json", "output/loss.csv", "output/model.npz"])
      expect(result(id, path).equals(result(path)), path).toBe(true);
  });

  test("down: ends what runs, says what is gone and what remains, and leaves no more than it says", async () => {
    await project.must(["run", "train", "-d", "--", "--epochs", "100000"]);
    await project.untilRun("train", ({ state }) => state === "running");
    const { stdout } = await project.must(["down", "-y"]);
    for (const place of ["runs/train-1-", "cache/trees/", "cache/environments/"])
      expect(stdout).toMatch(new RegExp(`gone .*${project.home}/\\.sesta/${place}`));
    expect(stdout).toMatch(new RegExp(`remains +${project.path("results")}\n`));
    expect(listTree(project.path("results")).length).toBeGreaterThan(allOutputs.length);
    const { id } = await project.run("train");
    expect(stdout).toMatch(new RegExp(`remains .*/runs/${id}\n`)); // never fetched
    expect(readdirSync(join(project.home, ".sesta", "runs"))).toEqual([id]);
    expect(listTree(join(project.home, ".sesta", "cache"))).toEqual([]);
    expect(listWorkingIn(join(project.home, ".sesta"))).toEqual([]);
    expect(await project.workload("train")).toMatchObject({ state: "absent" });
  });
});

const secret = "data-secret-canary-51c3";
const archiveText = "from an archive\n";

describe("jobs on this machine", { timeout: 60_000 }, () => {
  let project: JobProject;
  let server: Server;
  let port: number;
  const asked: string[] = [];

  const declare = (jobs: Record<string, string | readonly string[]>, more = "") =>
    project.write("sesta.yaml", `${buildFile(jobs)}${more}`);
  const output = (job: string, name: string) => readFileSync(project.path("results", job, name), "utf8");

  beforeAll(async () => {
    project = await createJobProject({ yaml: buildFile({}) });
    mkdirSync(project.path("digits/deep"), { recursive: true });
    project.write("digits/one.txt", "1\n");
    project.write("digits/deep/two.txt", "2\n");
    mkdirSync(project.path("packed/letters"), { recursive: true });
    writeFileSync(project.path("packed/letters/a.txt"), archiveText);
    execFileSync("tar", ["-czf", project.path("letters.tar.gz"), "-C", project.path("packed"), "letters"]);
    server = createServer((request, response) => {
      asked.push(request.url ?? "");
      if (request.url === "/letters.tar.gz") response.end(readFileSync(project.path("letters.tar.gz")));
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    port = typeof address === "object" ? (address?.port ?? 0) : 0;
  });
  afterAll(async () => {
    await project.end();
    server.close();
  }, 60_000);

  test("a program that fails: its own code, its output home all the same", async () => {
    declare({ breaks: ["run: echo so far > part; echo no luck >&2; exit 7", "fetch: [part, never]"] });
    const { code, stdout, stderr } = await project.sesta(["run", "breaks"]);
    expect([code, stdout]).toEqual([7, "no luck\n"]); // one log, in the order in which it was written
    expect(stderr).toMatch(/failed \(7\)[^]*nothing matched never/);
    expect(output("breaks", "part")).toBe("so far\n");
    const failed = await project.sesta(["run", "breaks", "--json"]);
    expect([failed.code, JSON.parse(failed.stdout)]).toMatchObject([
      7,
      { state: "failed", exit_code: 7, missing: ["never"] },
    ]);
    expect((await project.must(["why", "breaks"])).stdout).toMatch(/Its latest run, breaks-2-\w+, failed/);
  });

  test("one that takes too long is ended, with its children", async () => {
    declare({ slow: ["run: sleep 300 & sleep 300", "timeout: 1s"] });
    const { code, stderr } = await project.sesta(["run", "slow"]);
    expect([code, stderr]).toEqual([143, expect.stringContaining("longer than its timeout of 1s")]);
    const { nodes } = await project.run("slow");
    expect(listWorkingIn(nodes[0]?.folder ?? "?")).toEqual([]);
  });

  test("arguments that would reach nothing are refused before anything is done", async () => {
    declare({ counts: "run: awk '{ print $1 }' sesta.yaml" });
    const { code, stdout, stderr } = await project.sesta(["run", "counts", "--", "--epochs", "3"]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/would not reach counts: .* within single quotes[^]*Write "\$@"/);
    expect(JSON.parse((await project.must(["runs", "--json"])).stdout).runs).not.toContainEqual(
      expect.objectContaining({ job: "counts" }),
    );
  });

  test("one whose folder is taken away while it is followed is lost, and says so", async () => {
    declare({ taken: "run: echo here; sleep 300" });
    const follower = project.begin(["run", "taken"]);
    await until(() => follower.stdout() === "here\n", "it does not run");
    const folder = (await project.run("taken")).nodes[0]?.folder ?? "?";
    for (const { pid } of listWorkingIn(folder)) process.kill(pid, "SIGKILL");
    rmSync(folder, { recursive: true });
    const { code, stderr } = await follower.ended;
    expect([code, stderr]).toEqual([1, expect.stringMatching(/lost[^]*Its folder is not on local any more/)]);
    expect((await project.run("taken")).state).toBe("lost");
  });

  test("data: a folder, an archive and an address, read only, sent or fetched once", async () => {
    const sha256 = createHash("sha256")
      .update(readFileSync(project.path("letters.tar.gz")))
      .digest("hex");
    const from = `http://127.0.0.1:${port}/letters.tar.gz`;
    const reads = (digest: string) => [
      "data:",
      "  - digits",
      "  - { from: letters.tar.gz, to: sent }",
      `  - { from: "${from}", to: fetched, sha256: "${digest}" }`,
      "run: |",
      "  cat digits/one.txt digits/deep/two.txt sent/letters/a.txt fetched/letters/a.txt",
      '  [ "$(id -u)" = 0 ] || ! touch digits/one.txt 2>/dev/null',
    ];
    declare({ reads: reads("0".repeat(64)) });
    const refused = await project.sesta(["run", "reads"]);
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringContaining(`its SHA-256 is ${sha256}, not 0000`),
    ]);
    expect(await project.run("reads")).toMatchObject({ state: "failed", exit_code: null });
    declare({ reads: reads(sha256) });
    expect(await readPlan(project, "reads")).toContain(`fetch ${from}`);
    expect((await project.must(["run", "reads"])).stdout).toBe(`1\n2\n${archiveText}${archiveText}`);
    const before = asked.length;
    expect(await readPlan(project, "reads")).toContain("unchanged");
    await project.must(["run", "reads"]);
    expect(asked).toHaveLength(before);
    project.write("digits/one.txt", "one\n");
    expect((await project.must(["run", "reads"])).stdout).toMatch(/^one\n2\n/);
  });

  test("repo: a repository of this machine at a tag, at a commit, and at a branch as it moves", async () => {
    const folder = project.path("theirs");
    mkdirSync(folder);
    git(folder, "init", "--quiet", "--initial-branch=main");
    const say = (text: string) => {
      writeFileSync(join(folder, "says"), `${text}\n`);
      git(folder, "add", ".");
      git(folder, "commit", "--quiet", "--message", text);
      return git(folder, "rev-parse", "HEAD");
    };
    const first = say("first");
    git(folder, "tag", "--annotate", "--message", "one", "v1");
    const second = say("second");
    const third = say("third");
    const at = (ref: string) => ["repo: ./theirs", `ref: "${ref}"`, "run: cat says; git log -1 --format=%H"];
    for (const [ref, text, commit] of [
      ["v1", "first", first],
      [second, "second", second],
      [second.slice(0, 10), "second", second],
      ["main", "third", third],
    ] as const) {
      declare({ reads: at(ref) });
      expect((await project.must(["run", "reads"])).stdout).toBe(`${text}\n${commit}\n`);
      expect(await project.run("reads")).toMatchObject({ commit, dirty: false });
    }
    const fourth = say("fourth");
    expect((await project.must(["run", "reads"])).stdout).toBe(`fourth\n${fourth}\n`);
    declare({ reads: at("v9") });
    const { code, stderr } = await project.sesta(["run", "reads"]);
    expect([code, stderr]).toEqual([1, expect.stringContaining("no branch or tag v9")]);
  });

  test("setup runs once for a state of the sources; one that fails says why, and is tried again", async () => {
    const made = ["setup: cat source > made; echo once >> ../../../../setups", "run: cat made"];
    project.write("source", "1\n");
    declare({ made });
    expect((await project.must(["run", "made"])).stdout).toBe("1\n");
    expect((await project.must(["run", "made"])).stdout).toBe("1\n");
    const setups = () => readFileSync(join(project.home, ".sesta", "setups"), "utf8").split("\n").length - 1;
    expect(setups()).toBe(1);
    project.write("source", "2\n");
    expect(await readPlan(project, "made")).toMatch(/send the sources[^]*run setup: cat source/);
    expect((await project.must(["run", "made"])).stdout).toBe("2\n");
    expect(setups()).toBe(2);
    declare({ made: ["setup: echo no compiler here >&2; exit 4", "run: echo never"] });
    const { code, stdout, stderr } = await project.sesta(["run", "made"]);
    expect([code, stdout, stderr]).toEqual([
      1,
      "",
      expect.stringMatching(/setup of made failed[^]*no compiler here/),
    ]);
    expect(await readPlan(project, "made")).toContain("run setup: echo no compiler");
  });

  test("a secret reaches the program alone: no list of processes, no file once it has ended", async () => {
    const tells = [
      'env: { TOKEN: "${secret.token}", PLAIN: $HOME }',
      "run: |",
      '  echo "$PLAIN $(printf %s "$TOKEN" | wc -c)"',
      '  ps -eo args | grep -c "[d]ata-secret" || true',
    ];
    declare({ tells, other: "run: echo needs none" }, "secrets: { token: { env: DATA_TOKEN } }\n");
    expect((await project.must(["run", "other"])).stdout).toBe("needs none\n");
    const without = await project.sesta(["run", "tells"]);
    expect([without.code, without.stderr]).toEqual([2, expect.stringContaining("DATA_TOKEN")]);
    const { stdout } = await project.must(["run", "tells"], { DATA_TOKEN: secret });
    expect(stdout).toBe(`$HOME ${secret.length}\n0\n`);
    for (const folder of [join(project.home, ".sesta"), project.path(".sesta")])
      for (const path of listTree(folder))
        expect(readFileSync(join(folder, path), "latin1").includes(secret), path).toBe(false);
  });

  test("jobs with GPUs wait in line for each other, each with its place", async () => {
    const waits = (name: string) => [
      `run: echo ${name}; until [ -e ${project.path("go")} ]; do sleep 0.1; done`,
    ];
    declare({
      first: [...waits("first"), "gpus: 1"],
      second: [...waits("second"), "gpus: 1"],
      third: [...waits("third"), "gpus: 1"],
      plain: "run: echo no GPU, no line",
    });
    await project.must(["run", "first", "-d"]);
    await project.untilRun("first", ({ state }) => state === "running");
    for (const [at, name] of ["second", "third"].entries()) {
      await project.must(["run", name, "-d"]);
      const { nodes, why } = await project.untilRun(
        name,
        ({ state, nodes: [node] }) => state === "queued" && node?.place === at + 1,
      );
      expect([nodes[0]?.place, why]).toEqual([at + 1, `It is number ${at + 1} in the line of local.`]);
    }
    expect(await project.workload("third")).toMatchObject({ state: "waking" });
    expect((await project.must(["run", "plain"])).stdout).toBe("no GPU, no line\n");
    expect((await project.must(["stop", "second"])).stdout).toMatch(/^second-1-\w+ stopped\n/);
    await project.untilRun("third", ({ nodes: [node] }) => node?.place === 1);
    writeFileSync(project.path("go"), "");
    for (const name of ["first", "third"]) await project.untilRun(name, ({ state }) => state === "succeeded");
  });

  test("a job that was renamed in the file is an orphan until `down` takes it away", async () => {
    declare({ before: ["run: echo here"] });
    await project.must(["run", "before"]);
    declare({ after: ["run: echo here"] });
    expect(await project.workload("before")).toMatchObject({
      type: "job",
      state: "asleep",
      why: expect.stringContaining("not in sesta.yaml any more") as string,
    });
    expect(await readPlan(project)).toContain("before");
    expect((await project.must(["why", "before"])).stdout).toContain("sesta down before");
    const { id } = await project.run("before");
    const { stdout } = await project.must(["down", "before", "-y"]);
    expect(stdout).toMatch(new RegExp(`gone .*/runs/${id}\n`));
    const { workloads } = await project.status();
    expect(workloads.map(({ name }) => name)).not.toContain("before");
    expect((await project.runs("before")).map((run) => run.id)).toEqual([id]); // the record stays
    await project.must(["down", "-y"]); // of all that the tests before this one left
    expect(listTree(join(project.home, ".sesta", "cache"))).toEqual([]);
  });
});

const missingLab = findMissingLab();
if (missingLab !== "") console.warn(`jobs-local.test.ts, beside a lab: skipped: ${missingLab}`);

describe.skipIf(missingLab !== "")("a job beside a lab", { timeout: 120_000 }, () => {
  let project: JobProject;
  afterAll(() => project?.end(), 60_000);

  test("neither notices what becomes of the other", async () => {
    project = await createJobProject({
      yaml: [
        "name: both",
        "secrets: { team_pass: { env: TEAM_PASS } }",
        "workloads:",
        '  notebook: { type: lab, password: "${secret.team_pass}", idle: never }',
        "  job: { type: job, run: ls -a; echo made > made, fetch: [made] }",
        "",
      ].join("\n"),
    });
    const first = await project.must(["up", "-y"]);
    expect(first.stdout).toContain("job  is ready: sesta run job");
    writeFileSync(project.path("notebook", "kept.txt"), "kept");
    const { agent_pid } = await project.workload("notebook");
    const { stdout } = await project.must(["run", "job"]);
    expect(stdout).toContain("sesta.yaml");
    const lab = { name: "notebook", type: "lab", state: "asleep", agent_pid };
    const { workloads } = await project.status();
    expect(workloads).toMatchObject([lab, { name: "job", type: "job", state: "asleep" }]);
    await project.must(["down", "job", "-y"]);
    expect((await project.status()).workloads).toMatchObject([lab, { name: "job", state: "absent" }]);
    expect(await readPlan(project)).toMatch(/notebook on local: unchanged/);
    const { stdout: receipt } = await project.must(["down", "-y"]);
    expect(receipt).toContain(`remains  ${project.path("notebook")}`);
    expect(existsSync(project.path("results/job/made"))).toBe(true);
    expect(existsSync(project.path("notebook/kept.txt"))).toBe(true);
  });
});

async function readPlan(project: JobProject, ...names: string[]): Promise<string> {
  return (await project.must(["plan", ...names])).stderr;
}

function buildFile(jobs: Record<string, string | readonly string[]>): string {
  const sections = Object.entries({ idle: "run: echo idle", ...jobs }).flatMap(([name, lines]) => [
    `  ${name}:`,
    "    type: job",
    ...[lines].flat().map((line) => `    ${line}`),
  ]);
  return ["name: plain", "workloads:", ...sections, ""].join("\n");
}
