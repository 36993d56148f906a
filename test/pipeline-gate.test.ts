// The gate: what was measured is, by its digest, what is deployed; and nothing else ever is.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { SestaError } from "../src/base/errors.ts";
import type { PipelineRun } from "../src/model/pipeline.ts";
import { getPipeline } from "../src/operations/pipelines/find-pipeline.ts";
import { runPipeline } from "../src/operations/pipelines/run.ts";
import { digestTree } from "../src/operations/pipelines/tree-digest.ts";
import type { ShipService } from "../src/pipelines/ports.ts";
import { until } from "./faults/support/processes.ts";
import { createScratchContext, type ScratchContext } from "./support/scratch-context.ts";

let scratch: ScratchContext;
afterEach(() => scratch?.end(), 60_000);

// Checked as a service is: a name that the file declares. `tracker` and `service` are types of other versions.
const yaml = `name: demo
secrets: { hub: { env: HUB } }
registries:
  hub: { host: registry.example, repository: acme/iris, username: acme, password: "\${secret.hub}" }
  ecr: { type: ecr, region: us-east-1 }
pipelines:
  p:
    train: { run: "cat accuracy.txt >model.pkl", outputs: [model.pkl] }
    validate:
      run: 'echo "accuracy: $(cat model.pkl)"'
      needs: [train]
      metric: { name: accuracy, pattern: "accuracy: (.+)", min: 0.9 }
`;

/** Keeps what it is given, as a real one would. */
function createRecordingShip(kept: string) {
  const calls: unknown[] = [];
  const ship: ShipService = {
    async build(service, tree, on) {
      calls.push(["build", service, readdirSync(tree).toSorted()]);
      on.line("building");
      return { kind: "image", digest: "sha256:image" };
    },
    async push(artefact, to, facts) {
      calls.push(["push", artefact, to, facts.commit]);
      return to.map(({ reference }) => ({ reference, digest: "sha256:pushed" }));
    },
    async deploy(service, tree, artefact, facts) {
      cpSync(tree, kept, { recursive: true });
      calls.push(["deploy", service, artefact, facts.figures.map(({ value }) => value), facts.digest]);
      return { release: 7, digest: facts.digest, url: "http://127.0.0.1:8080" };
    },
    async destroy(service) {
      calls.push(["destroy", service]);
    },
  };
  return { ship, calls };
}

/** `iris` is what a service will be. */
async function setUp(accuracy: string, later?: { name: string; output: string }) {
  scratch = await createScratchContext(yaml, { HUB: "hub-canary" });
  const { folder } = scratch;
  writeFileSync(join(folder, "accuracy.txt"), accuracy);
  const git = (...operands: string[]) =>
    execFileSync("git", ["-C", folder, "-c", "user.name=S", "-c", "user.email=s@example.org", ...operands], {
      encoding: "utf8",
    }).trim();
  git("init", "--quiet");
  git("add", "--all");
  git("commit", "--quiet", "--message", "begin");
  const context = scratch.context;
  const pipeline = getPipeline(context.project);
  const ship = (name: string, work: Record<string, unknown>, needs: string[]) => ({
    ...pipeline.stages[0],
    name,
    work: { service: "iris", ...work },
    needs,
    outputs: [],
  });
  const stages = [
    ...pipeline.stages,
    ship("build", { kind: "build", push: ["hub", "ecr", "registry.example/other:v1", "quay.io/a/b"] }, [
      "validate",
    ]),
    ...(later
      ? [
          {
            ...pipeline.stages[0],
            name: later.name,
            work: { kind: "run", script: `echo 0.1 >${later.output}` },
            outputs: [later.output],
            needs: ["train"],
          },
        ]
      : []),
    ship("deploy", { kind: "deploy" }, ["build", ...(later ? [later.name] : [])]),
    ship("destroy", { kind: "destroy" }, []),
  ] as typeof pipeline.stages;
  const kept = join(folder, ".sesta", "deployed");
  const recording = createRecordingShip(kept);
  const notices: string[] = [];
  const run = ({ name = "p", ...more }: Record<string, unknown> = {}): Promise<PipelineRun> =>
    runPipeline(
      context,
      { pipeline: { name: String(name), stages }, keepGoing: false, anew: false, ...more },
      {
        begin: () => undefined,
        line: () => undefined,
        end: () => undefined,
        notice: (text) => notices.push(text),
      },
      recording.ship,
    );
  return { context, kept, run, ...recording, git, notices };
}

test("what passed is deployed with its figures, and found again by the digest of the very files", async () => {
  const { context, kept, run, calls, git } = await setUp("0.95\n");
  const done = await run({ anew: false });
  expect(done.stages.map(({ name, state }) => `${name} ${state}`)).toEqual([
    "train succeeded",
    "validate succeeded",
    "build succeeded",
    "deploy succeeded",
    "destroy succeeded",
  ]);
  const commit = git("rev-parse", "HEAD");
  const digest = await digestTree(context, kept);
  const artefact = { kind: "image", digest: "sha256:image", service: "iris" };
  const pushed = expect.arrayContaining([
    { reference: "registry.example/acme/iris", digest: "sha256:pushed" },
  ]);
  expect(calls.filter((call) => !(call as string[]).includes("destroy"))).toEqual([
    [
      "build",
      "iris",
      [".gitignore", "accuracy.txt", "model.pkl", "sesta.yaml"].filter((name) =>
        existsSync(join(kept, name)),
      ),
    ],
    [
      "push",
      { ...artefact, pushed: [] },
      [
        {
          name: "hub",
          reference: "registry.example/acme/iris",
          registry: expect.objectContaining({ name: "hub" }),
          password: "hub-canary",
        },
        {
          name: "ecr",
          reference: "iris",
          registry: expect.objectContaining({ type: "ecr" }),
          password: null,
        },
        {
          name: "registry.example/other:v1",
          reference: "registry.example/other:v1",
          registry: expect.objectContaining({ name: "hub" }),
          password: "hub-canary",
        },
        { name: "quay.io/a/b", reference: "quay.io/a/b", registry: null, password: null },
      ],
      commit,
    ],
    ["deploy", "iris", { ...artefact, pushed }, ["0.95"], digest],
  ]);
  expect(done.stages[3]?.release).toEqual({ release: 7, digest, url: "http://127.0.0.1:8080" });
  expect(context.state.findValidation("iris", digest)).toMatchObject({
    verdict: "passed",
    commit,
    pipeline: "p",
    run: done.id,
    figures: [{ stage: "validate", name: "accuracy", value: "0.95", min: "0.9", passed: true }],
  });
  writeFileSync(join(kept, "model.pkl"), "0.96\n");
  expect(context.state.findValidation("iris", await digestTree(context, kept))).toBeUndefined();
  expect(context.state.findValidation("other", digest)).toBeUndefined();
});

test("shipping is never taken from an earlier run; what was measured is", async () => {
  const { run, calls } = await setUp("0.95\n");
  await run({ from: "train" });
  const again = await run();
  expect(again.stages.map(({ cached }) => cached)).toEqual([true, true, false, false, false]);
  expect(calls.filter((call) => (call as string[])[0] === "deploy")).toHaveLength(2);
  const alone = await run({ only: "deploy" });
  expect(alone.stages.map(({ name, cached }) => `${name} ${cached}`)).toEqual([
    "train true",
    "validate true",
    "build true",
    "deploy false",
  ]);
  expect(calls.at(-1)).toMatchObject({ 2: { pushed: [{}, {}, {}, {}] } });
});

test.each([
  ["0.8999999999999999999", "accuracy 0.8999999999999999999 is less than 0.9"],
  ["nan", 'accuracy is "nan"; expected a number like 0.9'],
  ["", "accuracy: no line of its output matches"],
])("%j is never deployed, and that is on record", async (accuracy, why) => {
  const { context, run, calls, kept } = await setUp(`${accuracy}\n`);
  const done = await run({ keepGoing: true });
  expect(done.state).toBe("failed");
  expect(done.stages.map(({ state }) => state)).toEqual([
    "succeeded",
    "failed",
    "skipped",
    "skipped",
    "succeeded",
  ]);
  expect(done.stages[1]?.why).toContain(why);
  expect(calls).toEqual([["destroy", "iris"]]);
  const only = await run({ only: "deploy" });
  expect([only.state, calls.length]).toEqual(["failed", 1]);
  mkdirSync(kept);
  for (const name of [".gitignore", "accuracy.txt", "sesta.yaml"])
    if (existsSync(join(scratch.folder, name))) cpSync(join(scratch.folder, name), join(kept, name));
  writeFileSync(join(kept, "model.pkl"), readFileSync(join(scratch.folder, "accuracy.txt")));
  expect(context.state.findValidation("iris", await digestTree(context, kept))).toMatchObject({
    verdict: "failed",
    figures: [{ passed: false }],
  });
});

test("a model that changed between its validation and its deploy is another one: nothing is deployed", async () => {
  const { run, calls } = await setUp("0.95\n");
  await run({ only: "train" });
  await run({ only: "validate" });
  const store = join(scratch.folder, ".sesta", "pipelines", "store");
  for (const name of readdirSync(store, { recursive: true, encoding: "utf8" }))
    if (name.length > 60) writeFileSync(join(store, name), "0.10\n");
  const done = await run({ from: "build" });
  expect(done.stages.map(({ state }) => state)).toEqual(["succeeded", "succeeded", "failed", "skipped"]);
  expect(calls).toEqual([]);
  const mended = await run({ from: "build" });
  expect([mended.state, calls.length]).toEqual(["succeeded", 3]);
});

test.each([
  ["a model made again after its validation", "model.pkl"],
  ["a committed file that a later stage hides", "accuracy.txt"],
])("%s is not deployed", async (_, output) => {
  const { run, calls } = await setUp("0.95\n", { name: "later", output });
  const done = await run({ keepGoing: true, only: undefined });
  const deploy = done.stages.find(({ name }) => name === "deploy");
  expect([deploy?.state, deploy?.why]).toEqual(["failed", `${output} is not the one that validate measured`]);
  expect(calls.some((call) => (call as string[])[0] === "deploy")).toBe(false);
});

test("two pipelines of one service wait for each other", async () => {
  const { run, ship, notices } = await setUp("0.95\n");
  const { deploy } = ship;
  const going: string[] = [];
  const together: string[][] = [];
  const begun = Promise.withResolvers<void>();
  const waited = Promise.withResolvers<void>();
  ship.deploy = async (...given) => {
    const { runId } = given[3];
    going.push(runId);
    together.push([...going]);
    begun.resolve();
    await waited.promise;
    const done = await deploy(...given);
    going.splice(going.indexOf(runId), 1);
    return done;
  };
  const first = run();
  await begun.promise;
  const second = run({ name: "other" });
  await until(() => notices.some((text) => text.includes("has service iris")), "nobody waited");
  expect(notices.at(-1)).toMatch(/^waiting: `sesta pipeline run p` \(process \d+\) has service iris$/);
  waited.resolve();
  const [one, two] = await Promise.all([first, second]);
  expect([one.state, two.state, together]).toEqual(["succeeded", "succeeded", [[one.id], [two.id]]]);
});

test("a registry that refuses fails the stage with its own words, and nothing is deployed", async () => {
  const { run, ship, calls } = await setUp("0.95\n");
  ship.push = async () => {
    throw new SestaError("COMMAND_FAILED", "registry.example refused the push: denied", { hint: "Log in." });
  };
  const done = await run({ from: "train" });
  expect(done.stages.map(({ state }) => state)).toEqual(["succeeded", "succeeded", "failed", "skipped"]);
  expect(done.stages[2]?.why).toBe("registry.example refused the push: denied\n  Log in.");
  expect(calls.some((call) => (call as string[])[0] === "deploy")).toBe(false);
});
