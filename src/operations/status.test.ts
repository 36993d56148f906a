// The status of a project, whole: declared, placed, cut off, orphaned; with an agent and without.
import { afterEach, beforeEach, expect, test } from "vitest";
import { buildTinyLaunch } from "../../test/support/tiny-launch.ts";
import { createScratchContext, type ScratchContext } from "../../test/support/scratch-context.ts";
import { getStatus } from "./status.ts";

let scratch: ScratchContext;
beforeEach(async () => {
  scratch = await createScratchContext("name: team\nworkloads:\n  notebook: { type: lab }\n");
});
afterEach(() => scratch.end());

const notUp = {
  type: "lab",
  target: "local",
  url: null,
  since: null,
  saved_at: null,
  pid: null,
  agent_pid: null,
};

function place(name: string, placedAt: number | null) {
  const launch = buildTinyLaunch(name);
  scratch.context.state.saveWorkload({ name, type: "lab", target: "local", launch, digest: "x", placedAt });
}

test("declared only: absent, and what brings it up", async () => {
  expect(await getStatus(scratch.context)).toEqual({
    project: "team",
    gateway: { url: null, pid: null },
    workloads: [
      {
        ...notUp,
        name: "notebook",
        state: "absent",
        why: "It is declared; `sesta up notebook` brings it up.",
      },
    ],
  });
});

test("placed while no agent runs: asleep; cut off in between: absent", async () => {
  place("notebook", 7);
  expect((await getStatus(scratch.context)).workloads).toMatchObject([
    { state: "asleep", why: expect.stringContaining("agent") as string },
  ]);
  place("notebook", null);
  expect((await getStatus(scratch.context)).workloads).toMatchObject([{ state: "absent" }]);
});

test("an orphan is listed, and what takes it away", async () => {
  place("old", 7);
  expect((await getStatus(scratch.context)).workloads.map(({ name, why }) => [name, why])).toEqual([
    ["notebook", expect.stringContaining("sesta up notebook")],
    ["old", "It is not in sesta.yaml any more: `sesta down old` takes it away."],
  ]);
});

test("with the agent: its own words, times and process ids", async () => {
  const target = scratch.context.targets.get("local");
  await target.apply(await target.plan("notebook", buildTinyLaunch("notebook")), () => undefined);
  const hello = await target.agent.findHello();
  const [workload] = (await getStatus(scratch.context)).workloads;
  expect(workload).toEqual({
    ...notUp,
    name: "notebook",
    state: "asleep",
    since: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string,
    why: "It was brought up and waits to be woken.",
    agent_pid: hello?.pid,
  });
});

test("failed: with the last lines of its log", async () => {
  const target = scratch.context.targets.get("local");
  const tiny = buildTinyLaunch("notebook");
  const broken = {
    ...tiny,
    process: { ...tiny.process, argv: [["sh"], ["-c"], ["echo it broke; sleep 0.1; exit 1"]] },
  };
  await target.apply(await target.plan("notebook", broken), () => undefined);
  await target.wake("notebook", "asked", "owner");
  for (;;) {
    const [workload] = (await getStatus(scratch.context)).workloads;
    if (workload?.state === "failed") {
      expect(workload.log_tail).toContain("it broke");
      return;
    }
    expect(workload).not.toHaveProperty("log_tail");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
});
