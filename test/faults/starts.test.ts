// Starts that go wrong, with a real agent and real processes: crashes, hangs, taken ports, missing folders, crowds.
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createAgentRig, type AgentRig } from "./support/agent-rig.ts";
import { until } from "./support/processes.ts";

let rig: AgentRig;
beforeAll(async () => {
  rig = await createAgentRig();
});
afterAll(() => rig.end());

test("F15: a crash at start is tried three times, then failed with the last lines; only being asked again tries again", async () => {
  await rig.put("crash", "crash");
  await Promise.all(Array.from({ length: 200 }, () => rig.wake("crash")));
  const failed = await rig.untilState("crash", "failed");
  expect(failed.why).toBe("The stub ended while it started (3 tries)");
  // Of the last try alone.
  expect(failed.logTail).toEqual(["starts with crash", "the last words of a crash"]);
  expect([rig.starts("crash").length, rig.living("crash")]).toEqual([3, []]);
  rig.tell("crash", "behaviour", "");
  await rig.wake("crash");
  expect((await rig.untilState("crash", "awake", "failed")).state).toBe("awake");
  expect(rig.starts("crash")).toHaveLength(4);
});

test("F15: the third try may still succeed", async () => {
  await rig.put("late", "crash");
  await rig.wake("late");
  while (rig.starts("late").length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
  rig.tell("late", "behaviour", "");
  expect((await rig.untilState("late", "awake", "failed")).state).toBe("awake");
  expect(rig.starts("late")).toHaveLength(3);
});

test("F15: one that never listens is given up and ended, with what it started", async () => {
  await rig.put("hang", "hang kernel", { startTimeoutMs: 300 });
  await rig.wake("hang");
  const failed = await rig.untilState("hang", "failed");
  expect(failed.why).toMatch(/^The stub did not answer within \d+ s \(3 tries\)$/);
  expect([rig.starts("hang").length, rig.living("hang")]).toEqual([3, []]);
});

test("F14: who squats on the port gets no token and is not taken for the workload", async () => {
  await rig.put("squatted", "squatted", { startTimeoutMs: 500 });
  await rig.wake("squatted");
  expect((await rig.untilState("squatted", "failed", "awake")).state).toBe("failed");
  expect(() => rig.read("squatted", "overheard")).toThrow(/ENOENT/);
  expect(rig.living("squatted")).toEqual([]);
});

test("F14: a port that was taken in between is given up for another", async () => {
  await rig.put("taken");
  rig.tell("taken", "delay", "400");
  await rig.wake("taken");
  const findPort = () => /^\d+ (\d+)/.exec(rig.starts("taken")[0] ?? "")?.[1];
  const port = Number(await until(findPort, "it was not started")); // the line may be half written
  const squatter = createServer((socket) => socket.destroy()).listen(port, "127.0.0.1");
  await once(squatter, "listening");
  expect((await rig.untilState("taken", "awake", "failed")).state).toBe("awake");
  const door = await rig.agent.call("door", { name: "taken" });
  expect(door?.port).not.toBe(port);
  squatter.close();
});

test("what another try cannot cure is not tried again, and says what to do", async () => {
  await rig.put("homeless");
  rmSync(rig.workspaceOf("homeless"), { recursive: true });
  await rig.wake("homeless");
  const failed = await rig.untilState("homeless", "failed");
  expect(failed.why).toBe(
    `the workspace ${rig.workspaceOf("homeless")} is missing. Put it back, or run \`sesta up\` to begin with an empty one.`,
  );
  mkdirSync(rig.workspaceOf("homeless"));
  await rig.wake("homeless");
  expect((await rig.untilState("homeless", "awake", "failed")).state).toBe("awake");
});

test("one that ends while it is awake is started again, and given up when it keeps ending", async () => {
  await rig.put("mortal");
  await rig.wake("mortal");
  const first = await rig.untilState("mortal", "awake");
  for (let death = 1; death <= 2; death++) {
    const { pid } = await rig.untilState("mortal", "awake");
    process.kill(pid ?? 0, "SIGKILL");
    await rig.untilState("mortal", "waking");
    const again = await rig.untilState("mortal", "awake");
    expect(again.pid).not.toBe(pid);
  }
  const { pid } = await rig.find("mortal");
  expect(pid).not.toBe(first.pid);
  process.kill(pid ?? 0, "SIGKILL");
  expect((await rig.untilState("mortal", "failed")).why).toBe("The stub kept ending by itself (3 times)");
  expect(rig.living("mortal")).toEqual([]);
});

test("what a workload leaves behind ends with it, however stubborn", async () => {
  await rig.put("parent", "kernel stubborn");
  await rig.wake("parent");
  const { pid } = await rig.untilState("parent", "awake");
  await until(() => rig.living("parent").length === 2, "its kernel is not there, or one of before still is");
  process.kill(pid ?? 0, "SIGKILL");
  await rig.untilState("parent", "waking");
  await rig.untilState("parent", "awake");
  await until(() => rig.living("parent").length === 2, "its kernel is not there, or one of before still is");
  await rig.sleep("parent");
  await rig.untilState("parent", "asleep");
  expect(rig.living("parent")).toEqual([]);
});

test("L2: 1,000 wakes of 50 workloads start 50, at most 4 at once, in the order in which they were asked for", async () => {
  const names = Array.from({ length: 50 }, (_, index) => `crowd-${String(index).padStart(2, "0")}`);
  for (const name of names) await rig.put(name);
  let most = 0;
  const ending = new AbortController();
  const booting = new Set<string>();
  const order: string[] = [];
  const watching = (async () => {
    for await (const event of rig.agent.watch(Number.MAX_SAFE_INTEGER, ending.signal)) {
      if (!("report" in event)) continue;
      const { name, state, phase } = event.report;
      const boots = state === "waking" && phase !== null && !phase.startsWith("waits");
      if (boots && !booting.has(name) && !order.includes(name)) order.push(name);
      if (boots) booting.add(name);
      else booting.delete(name);
      most = Math.max(most, booting.size);
    }
  })().catch(() => undefined);
  await Promise.all(Array.from({ length: 1_000 }, (_, index) => rig.wake(names[index % 50] ?? "")));
  for (const name of names) expect((await rig.untilState(name, "awake", "failed")).state).toBe("awake");
  ending.abort();
  await watching;
  expect(names.map((name) => rig.starts(name).length)).toEqual(names.map(() => 1));
  expect(most).toBe(4);
  const changes = await rig.agent.call("changes", { after: 0 });
  const asked = changes
    .filter(({ workload, to }) => workload.startsWith("crowd") && to === "waking")
    .map(({ workload }) => workload);
  expect(order).toEqual(asked);
}, 120_000);

test("T4: no token is in the agent's log", () => {
  expect(readFileSync(join(rig.home, "agent.log"), "utf8")).not.toMatch(/token [\w-]{20}/);
});
