// The agent killed at any moment, the machine restarted, process ids recycled, wishes that race: one copy or none.
import { spawn } from "node:child_process";
import { readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { agentCommand, createAgentRig, type AgentRig } from "./support/agent-rig.ts";
import { killHard, lives, until } from "./support/processes.ts";
import { openKilled } from "./support/open-killed.ts";
import { limitMs, points } from "./support/points.ts";

let rig: AgentRig;
let count = 0;
let name = "";

beforeAll(async () => {
  rig = await createAgentRig();
});
beforeEach(async () => {
  name = `stub-${(count += 1)}`;
  await rig.agent.ensure();
  await rig.put(name);
});
afterAll(() => rig.end());

/** One process when it is awake, none when it is not; a shell that lost the race for a start is gone in a moment. */
async function settled() {
  let seen: unknown;
  return until(
    async () => {
      const { state, pid, why } = await rig.untilState(name, "awake", "asleep", "failed");
      const living = rig.living(name);
      seen = { state, pid, why, living };
      return isDeepStrictEqual(living, state === "awake" ? [pid] : []) ? state : undefined;
    },
    () => `it does not settle: ${JSON.stringify(seen)}`,
    10_000,
  );
}

describe("killed", () => {
  test(
    "F2: while it is awake: the next agent adopts the same process, again and again",
    { timeout: limitMs(4, 50) },
    async () => {
      await rig.wake(name);
      const { pid } = await rig.untilState(name, "awake");
      for (const _ of points(4, 50)) {
        const agent = await rig.pid();
        await rig.kill();
        expect((await rig.agent.ensure()).pid).not.toBe(agent);
        expect(await rig.find(name)).toMatchObject({ state: "awake", pid });
        expect(await rig.agent.call("door", { name })).not.toBeNull();
      }
      expect(rig.starts(name)).toHaveLength(1);
    },
  );

  test(
    "F2: at any step of a wake: one process in the end, or none",
    { timeout: limitMs(14, 250) },
    async () => {
      rig.tell(name, "delay", "50");
      const ends = new Map<string, number>();
      for (const point of points(14, 250)) {
        const asked = rig.wake(name).catch(() => undefined);
        await delay(point);
        await rig.kill();
        await asked;
        await rig.agent.ensure();
        const state = await settled();
        ends.set(state, (ends.get(state) ?? 0) + 1);
        await rig.sleep(name);
        await rig.untilState(name, "asleep");
        expect([point, rig.living(name)]).toEqual([point, []]);
      }
      expect(ends.get("failed")).toBeUndefined();
      expect(ends.get("awake")).toBeGreaterThan(1);
    },
  );

  test(
    "F2: at any step of a sleep: it goes on to sleep, or stays awake as it was",
    { timeout: limitMs(12, 250) },
    async () => {
      rig.tell(name, "stop-delay", "100");
      rig.tell(name, "behaviour", "kernel");
      const ends = new Map<string, number>();
      for (const point of points(12, 250)) {
        await rig.wake(name);
        await rig.untilState(name, "awake");
        const asked = rig.sleep(name).catch(() => undefined);
        await delay(point);
        await rig.kill();
        await asked;
        await rig.agent.ensure();
        const { state } = await rig.untilState(name, "awake", "asleep");
        ends.set(state, (ends.get(state) ?? 0) + 1);
        await rig.sleep(name);
        await rig.untilState(name, "asleep");
        expect([point, rig.living(name)]).toEqual([point, []]);
      }
      expect(ends.get("asleep")).toBeGreaterThan(1);
    },
  );

  test("F2: and the process with it: it is started again, once, and says why", async () => {
    await rig.wake(name);
    const { pid } = await rig.untilState(name, "awake");
    await rig.kill();
    await killHard(pid ?? 0);
    await rig.agent.ensure();
    expect(await settled()).toBe("awake");
    const changes = await rig.agent.call("changes", { after: 0 });
    expect(changes.filter(({ workload }) => workload === name).at(-2)?.why).toBe(
      "The stub had ended while nobody watched; it is started again.",
    );
    expect(rig.starts(name)).toHaveLength(2);
  });

  test("F2: and its database deleted: what ran is ended, so that there is never a second copy", async () => {
    await rig.wake(name);
    const { pid } = await rig.untilState(name, "awake");
    await rig.kill();
    for (const file of readdirSync(rig.home)) if (file.startsWith("agent.db")) rmSync(join(rig.home, file));
    await rig.agent.ensure();
    expect(lives(pid ?? 0)).toBe(false);
    await rig.put(name);
    await rig.wake(name);
    expect(await settled()).toBe("awake");
  });

  test("F15: what failed is still failed, with its last lines", async () => {
    rig.tell(name, "behaviour", "crash");
    await rig.wake(name);
    const before = await rig.untilState(name, "failed");
    await rig.kill();
    await rig.agent.ensure();
    expect(await rig.find(name)).toEqual(before);
    expect(before.logTail).toContain("the last words of a crash");
  });

  test("F2: a second agent for the same folder ends at once and disturbs nothing", async () => {
    const pid = await rig.pid();
    const [program, ...operands] = agentCommand;
    const second = spawn(program, [...operands, rig.home], { stdio: "ignore" });
    expect(await new Promise((resolve) => second.once("exit", resolve))).toBe(75);
    expect(await rig.pid()).toBe(pid);
  });
});

describe("another machine than before", () => {
  const editState = (change: string) => {
    const db = openKilled(join(rig.home, "agent.db"));
    db.prepare(`UPDATE workloads SET ${change} WHERE name = ?`).run(name);
    db.close();
  };
  const startOf = () => {
    const db = openKilled(join(rig.home, "agent.db"));
    const row = db.prepare("SELECT start_id FROM workloads WHERE name = ?").get(name);
    db.close();
    return String(row?.["start_id"]);
  };

  test.each(["awake", "waking", "sleeping"])(
    "F5: restarted while %s: asleep, and nothing runs by itself",
    async (state) => {
      await rig.wake(name);
      const { pid } = await rig.untilState(name, "awake");
      await rig.kill();
      await killHard(pid ?? 0);
      editState(`state = '${state}', boot_id = 'the boot before'`);
      await rig.agent.ensure();
      expect(await rig.find(name)).toMatchObject({
        state: "asleep",
        why: "The machine was restarted.",
        pid: null,
      });
      expect([rig.starts(name).length, rig.living(name)]).toEqual([1, []]);
      await rig.wake(name);
      expect(await settled()).toBe("awake");
    },
  );

  test("F2: a bystander that got the process id is neither adopted nor signalled", async () => {
    await rig.wake(name);
    const { pid } = await rig.untilState(name, "awake");
    await rig.kill();
    await killHard(pid ?? 0);
    const bystander = await recycle(pid ?? 0);
    if (bystander.pid !== pid) {
      const claim = join(rig.home, "run", startOf(), "pid");
      writeFileSync(claim, readFileSync(claim, "utf8").replace(/^\d+/, String(bystander.pid)));
    }
    await rig.agent.ensure();
    expect(await settled()).toBe("awake");
    expect((await rig.find(name)).pid).not.toBe(bystander.pid);
    await rig.sleep(name);
    await rig.untilState(name, "asleep");
    expect(lives(bystander.pid ?? 0)).toBe(true);
    bystander.kill("SIGKILL");
  });
});

/** A process with this id where the kernel lets us choose, else with any. */
async function recycle(pid: number) {
  const start = () => spawn("sleep", ["600"], { detached: true, stdio: "ignore" });
  for (let round = 0; round < 20; round++) {
    try {
      writeFileSync("/proc/sys/kernel/ns_last_pid", String(pid - 1));
    } catch {
      return start();
    }
    const child = start();
    if (child.pid === pid || lives(pid)) return child;
    child.kill("SIGKILL");
  }
  return start();
}

function strike(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it ended in between
  }
}

describe("wishes that race", () => {
  test("F22: a wake at any step of a sleep ends awake", { timeout: limitMs(14, 250) }, async () => {
    rig.tell(name, "stop-delay", "100");
    await rig.wake(name);
    await rig.untilState(name, "awake");
    for (const point of points(14, 250)) {
      await rig.sleep(name);
      await delay(point);
      await rig.wake(name);
      await until(async () => (await rig.find(name)).state === "awake", `not awake after ${point} ms`);
      expect([point, await settled()]).toEqual([point, "awake"]);
    }
  });

  test(
    "F22: a sleep at any step of a wake ends asleep, also of one that fails",
    { timeout: limitMs(20, 250) },
    async () => {
      rig.tell(name, "delay", "50");
      for (const behaviour of ["", "crash"]) {
        rig.tell(name, "behaviour", behaviour);
        for (const point of points(10, 250)) {
          await rig.wake(name);
          await delay(point);
          await rig.sleep(name);
          expect([point, (await rig.untilState(name, "asleep", "failed")).state]).toEqual([point, "asleep"]);
          expect([point, rig.living(name)]).toEqual([point, []]);
        }
      }
    },
  );

  test(
    "F22: whatever is asked in whatever order, with kills in between: the last wish is what comes",
    { timeout: limitMs(6, 60, 15_000) },
    async () => {
      const step = fc.record({
        what: fc.constantFrom("wake", "sleep", "kill", "end"),
        waitMs: fc.integer({ min: 0, max: 120 }),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 8 }), fc.boolean(), async (steps, wakes) => {
          await rig.sleep(name);
          await rig.untilState(name, "asleep");
          let ends = 0; // three would be a workload that keeps ending by itself
          for (const { what, waitMs } of steps) {
            if (what === "wake") await rig.wake(name).catch(() => undefined);
            if (what === "sleep") await rig.sleep(name).catch(() => undefined);
            if (what === "kill") await rig.kill().then(() => rig.agent.ensure());
            if (what === "end" && (ends += 1) === 1) rig.living(name).forEach(strike);
            await delay(waitMs);
          }
          if (wakes) await rig.wake(name);
          else await rig.sleep(name);
          const { state } = await until(async () => {
            const report = await rig.find(name);
            return report.state === (wakes ? "awake" : "asleep") ? report : undefined;
          }, "the last wish did not come true");
          expect(await settled()).toBe(state);
        }),
        { numRuns: points(6, 60).length, endOnFailure: true },
      );
    },
  );
});
