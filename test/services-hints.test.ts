// What people are told of a service where something is missing or meant otherwise: the next step, and never a wrong one.
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "./faults/support/processes.ts";
import { createServiceProject, type ServiceProject } from "./support/service-project.ts";

let project: ServiceProject;

beforeAll(async () => {
  project = await createServiceProject("");
  project.ship("one");
  await project.must(["up", "-y"]);
}, 60_000);
afterAll(() => project.end(), 60_000);

function commit() {
  const git = (...argv: string[]) =>
    execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b.c", ...argv], { cwd: project.folder });
  git("init", "-q");
  git("add", "-A");
  git("commit", "-q", "-m", "begin");
}

test("doctor finds nothing wrong with a service that is up", async () => {
  const { code, stdout } = await project.sesta(["doctor"]);
  expect([code, stdout]).toEqual([0, expect.not.stringContaining("✗")]);
});

test.each([
  [["save", "iris"], "iris is a service: nothing of it is saved", "sesta releases iris"],
  [["stop", "iris"], "iris is a service, which has no runs", "sesta sleep iris"],
  [["fetch", "iris"], "iris is a service, which has no runs", "sesta down iris"],
])("%j says that it is a service, and what fits one", async (argv, what, way) => {
  const { code, stderr } = await project.sesta(argv);
  expect([code === 0, stderr]).toEqual([false, expect.stringContaining(what)]);
  expect(stderr).toContain(way);
});

test("Ctrl-C in a deploy ends the command at once and says that the release goes on", async () => {
  project.ship("two", "silent");
  project.section("", { start: "60s" });
  const deploying = project.begin(["deploy", "iris", "-y"]);
  await until(async () => (await project.releases())[0]?.state === "starting", "no release begins");
  deploying.kill("SIGINT");
  const { code, stderr } = await deploying.ended;
  expect([code, stderr]).toEqual([130, expect.stringContaining("goes on without this command")]);
  expect(stderr).toContain("`sesta releases iris`");
  expect((await project.releases())[0]?.state).toBe("starting");
  await project.must(["sleep", "iris"]);
});

test("a program that ends at once is called by its service's name", async () => {
  const yaml = await project.read("sesta.yaml");
  project.write("sesta.yaml", yaml.replace("exec python3 app.py", "exit 3"));
  const { stderr } = await project.deploy();
  expect(stderr).toMatch(/^✗ iris: release \d+ iris ended (?:at once|while it started)/m);
});

test("a requirements file that does not exist is not said to be ignored, nor a Keras file to be a pickle", async () => {
  project.section("python: nope.txt");
  expect((await project.sesta(["deploy", "iris", "-y"])).stderr).toContain("there is no such file");
  project.write("m.h5", "x");
  project.write("sesta.yaml", "name: svc\nworkloads:\n  iris: { type: service, model: m.h5 }\n");
  expect((await project.sesta(["deploy", "iris", "-y"])).stderr).toContain("is nothing that Sesta serves");
});

test("a service whose model is yet to be trained does not hold up the others, unless it is named", async () => {
  project.ship("one");
  project.section("");
  const yaml = await project.read("sesta.yaml");
  project.write(
    "sesta.yaml",
    `${yaml}\n  model: { type: service, model: m.pkl }\npipelines:\n` +
      "  p: { train: { run: echo 1 >m.pkl, outputs: [m.pkl] } }\n",
  );
  const { stderr } = await project.must(["up", "-y"]);
  expect(stderr).toContain("! model is left out: There is no m.pkl for model\n");
  const plan = await project.json<{ unmade: string[] }>(["plan"]);
  expect(plan.unmade).toEqual(["model is left out: There is no m.pkl for model"]);
  const named = await project.sesta(["up", "model", "-y"]);
  expect([named.code, named.stderr]).toEqual([
    1,
    expect.stringContaining("`{ deploy: model, needs: [train] }`"),
  ]);
});

test("what a pipeline ships is not said to be shipped by deploy, and a deploy names what its stages make", async () => {
  rmSync(project.path("m.h5"));
  project.ship("one");
  project.section("");
  const yaml = await project.read("sesta.yaml");
  project.write(".gitignore", "model.txt\n");
  project.write(
    "sesta.yaml",
    `${yaml}\npipelines:\n  p:\n    train: { run: "echo acc 1 | tee model.txt", outputs: [model.txt], metric: { name: acc, pattern: "acc (.+)", min: 0.5 } }\n` +
      "    deploy: { deploy: iris, needs: [train] }\n",
  );
  commit();
  await project.must(["pipeline", "run"]);
  expect((await project.must(["plan"])).stderr).not.toContain("differ");
  project.ship("three");
  expect((await project.must(["plan"])).stderr).toMatch(
    /its files differ from release \d+: `sesta pipeline run p` ships them/,
  );
  const { code, stderr } = await project.deploy();
  expect([code, stderr]).toEqual([
    1,
    expect.stringContaining(
      "! model.txt is not among the files; stage train of `sesta pipeline run p` makes it",
    ),
  ]);
});

test("`up` brings up what it can where services fail, and tells of those at the end", async () => {
  project.ship("one");
  project.section("");
  await project.must(["down", "iris", "-y"]);
  const yaml = await project.read("sesta.yaml");
  const [bad, worse] = ["bad", "worse"].map(
    (name) => `  ${name}: { type: service, command: "echo the words of ${name}; exit 3" }\n`,
  );
  project.write("sesta.yaml", yaml.replace("  iris:", `${bad}  iris:`));
  const one = await project.sesta(["up", "-y"]);
  expect([one.code, one.stderr]).toEqual([
    1,
    expect.stringMatching(/^error: Release 1 of bad did not become/m),
  ]);
  expect(await project.who()).toMatchObject({ version: "one" });
  project.write("sesta.yaml", yaml.replace("  iris:", `${bad}${worse}  iris:`));
  const both = await project.sesta(["up", "-y"]);
  expect([both.code, both.stderr]).toEqual([
    1,
    expect.stringContaining("error: 2 services did not become healthy"),
  ]);
  for (const words of ["Release 2 of bad did not", "Release 1 of worse did not", "the words of worse"])
    expect(both.stderr).toContain(words);
});
