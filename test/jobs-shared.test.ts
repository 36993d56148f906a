// Two projects that share a machine, and what was brought there once for both.
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createJobProject, type JobProject } from "./support/job-project.ts";

const yaml = `name: shared-data
workloads:
  reads: { type: job, data: [data], run: "until [ -e $OUT/go ]; do sleep 0.2; done; cat data/a" }
`;

let [one, other]: JobProject[] = [];
beforeEach(async () => {
  one = await createJobProject({ yaml });
  other = await createJobProject({
    yaml: yaml.replace("shared-data", "shared-too"),
    variables: { HOME: one.home },
  });
  for (const project of [one, other]) project.write("data/a", "read to the end\n");
});
afterEach(async () => {
  await one?.end();
  await other?.end();
}, 60_000);

test("what a run of another project reads outlives `down`, which says so", { timeout: 60_000 }, async () => {
  if (!one || !other) throw new Error("no projects");
  await one.must(["run", "reads", "-d"], { OUT: one.home });
  await other.must(["run", "reads", "-d"], { OUT: one.home });
  await other.untilRun("reads", ({ state }) => state === "running");
  const { stdout } = await one.must(["down", "-y"]);
  const [, place = ""] =
    /remains .*local: (\S+\/cache\/data\/\w+), which a run of another project reads/.exec(stdout) ?? [];
  expect([place.startsWith(one.home), existsSync(place)]).toEqual([true, true]);
  writeFileSync(join(one.home, "go"), "");
  expect((await other.must(["logs", "reads", "-f"])).stdout).toBe("read to the end\n");
  expect((await other.must(["down", "-y"])).stdout).toContain(`gone     local: ${place}\n`);
});
