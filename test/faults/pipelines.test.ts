// A pipeline's command killed at any moment: the next one goes on from what had succeeded, and nothing is left behind.
import { randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { createPipelineProject, listWork, type PipelineProject } from "../support/pipeline-project.ts";
import { limitMs, points } from "./support/points.ts";
import { listLiving, until } from "./support/processes.ts";

let project: PipelineProject | undefined;
afterEach(() => project?.end(), 60_000);

/** Told apart from those of other tests. */
const mark = `73${randomInt(10_000, 99_999)}`;
const yaml = `name: demo
pipelines:
  p:
    one: { run: "echo one >>$TOLD; head -c 3000000 /dev/zero >big; echo 1 >>big; sleep 0.3", outputs: [big] }
    two: { run: "echo two >>$TOLD; (sleep ${mark} &) ; setsid sleep ${mark} & sleep 0.3; wc -c <big >size", needs: [one], outputs: [size] }
    three: { run: "echo three >>$TOLD; sleep 0.2; echo size $(cat size)", needs: [two], metric: { name: size, pattern: "size ([0-9]+)", min: 3000002, max: 3000002 } }
`;
const wholeMs = 2_200;

test("at any moment: the same command then ends well", { timeout: limitMs(4, 60, 12_000) }, async () => {
  for (const point of points(4, 60)) {
    project = await createPipelineProject(yaml);
    const run = project.begin(["pipeline", "run", "--json"]);
    await delay((point / 60) * wholeMs);
    run.kill("SIGKILL");
    await run.ended;
    const before = project.told();
    const { code, json, stderr } = await project.run();
    expect([point, code, code === 0 ? "" : stderr]).toEqual([point, 0, ""]);
    expect(json.stages.map(({ state }) => state)).toEqual(["succeeded", "succeeded", "succeeded"]);
    expect(json.stages[2]?.metric?.text).toBe("3000002");
    for (const { name, cached } of json.stages)
      expect([name, project.told().filter((told) => told === name).length]).toEqual([
        name,
        before.filter((told) => told === name).length + (cached ? 0 : 1),
      ]);
    expect(listWork(project)).toEqual([]);
    expect(listLiving(`sleep ${mark}`)).toEqual([]);
    expect(readFileSync(json.stages[2]?.log ?? "", "utf8")).toBe("size 3000002\n");
    await project.end();
  }
});

test("what a killed command has left running is ended by the next one, and named", async () => {
  project = await createPipelineProject(
    `name: demo\npipelines: { p: { a: { run: "echo a >>$TOLD; setsid sleep $MARK & sleep $MARK", env: { MARK: ${mark} } } } }\n`,
  );
  const run = project.begin(["pipeline", "run"]);
  await until(() => listLiving(`sleep ${mark}`).length === 2, "it never began");
  run.kill("SIGKILL");
  await run.ended;
  expect(listLiving(`sleep ${mark}`)).toHaveLength(2);
  const next = project.begin(["pipeline", "run", "--json"]);
  await until(() => next.stderr().includes("was killed: what it left has been cleared away"), next.stderr);
  await until(() => project?.told().length === 2, "it did not begin again");
  next.kill("SIGINT");
  expect((await next.ended).code).toBe(130);
  await until(() => listLiving(`sleep ${mark}`).length === 0, "something lives on");
}, 60_000);
