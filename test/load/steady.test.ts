// Requests over 32 connections for minutes, while nothing changes and while all of it does: none of them fails.
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { killHard, lives, until } from "../faults/support/processes.ts";
import {
  countFiles,
  createLoadProject,
  readMemory,
  untilClosed,
  type LoadProject,
} from "./support/load-project.ts";
import { isSkipped, lastsMs, minutes } from "./support/size.ts";
import { startSteadyLoad } from "./support/steady-load.ts";

const connections = 32;
const growthLimitBytes = 64e6;
const memory = "384MB";

describe.skipIf(isSkipped)("L3: 32 connections", { timeout: lastsMs + 240_000 }, () => {
  let project: LoadProject;
  beforeAll(async () => {
    project = await createLoadProject(`replicas: 2\nmemory: ${memory}`);
  }, 120_000);
  afterAll(() => project?.end(), 120_000);

  /** With the figures of the agent that has the door, which must be the same process before and after. */
  async function underLoad(name: string, change: (until: number) => Promise<string>) {
    const agent = await project.agentPid();
    const filesBefore = countFiles(agent);
    const load = startSteadyLoad(project.port, connections);
    try {
      await until(() => load.answered() > 20_000, "it does not warm up", 120_000);
      const before = readMemory(agent);
      const what = await change(performance.now() + lastsMs);
      const so = load.answered();
      await until(() => load.answered() > so + connections, "no request is answered any more");
      const grownBytes = readMemory(agent) - before;
      console.log(
        `${name}: ${load.figures()}${what}; the agent's memory ${signed(grownBytes / 1e6)} MB from ${(before / 1e6).toFixed(0)} MB`,
      );
      expect(grownBytes).toBeLessThan(growthLimitBytes);
    } finally {
      await load.stop();
    }
    expect(load.failures).toEqual([]);
    expect(await project.agentPid()).toBe(agent);
    await untilClosed(agent, filesBefore);
    await project.settled(2);
  }

  test(`L3: ${minutes} minutes without a change`, async () => {
    await underLoad("steady", async (end) => {
      await delay(end - performance.now());
      return "";
    });
  });

  test(`L3: ${minutes} minutes of deploys, rollbacks and killed replicas and gateways`, async () => {
    let rounds = 0;
    await underLoad("changes", async (end) => {
      for (; performance.now() < end; rounds += 1) {
        project.ship(`round ${rounds}`);
        await project.must(["deploy", "app", "-y"]);
        await killOne();
        await project.must(["rollback", "app", "-y"]);
        await killHard(await project.gatewayPid());
        await killOne();
        await project.must(["up", "-y"]); // it starts another gateway
      }
      return `; ${rounds} deploys, ${rounds} rollbacks, ${2 * rounds} replicas and ${rounds} gateways killed`;
    });
    expect(rounds).toBeGreaterThan(0);
  });

  /** Resolves when another process has its place. */
  async function killOne(): Promise<void> {
    const [pid] = await project.pids();
    if (pid === undefined) throw new Error("no replica runs");
    await killHard(pid);
    await until(async () => !(await project.pids()).includes(pid), `process ${pid} is not replaced`);
    await project.settled(2);
  }

  test("L3: a replica that leaks is ended at its limit, again and again", async () => {
    await project.renew();
    const leakers: number[] = [];
    await underLoad("leaks", async () => {
      for (const _ of [1, 2, 3, 4]) {
        const pids = await project.pids();
        await fetch(`http://127.0.0.1:${project.port}/leak/${8e6}`, { method: "POST" });
        const gone = () => pids.find((pid) => !lives(pid));
        leakers.push(await until(gone, "none is ended", 120_000));
        await project.settled(2);
      }
      return `; ${leakers.length} leaks ended at ${memory}`;
    });
    const { stdout } = await project.must(["history", "app"]);
    expect(stdout.match(/ended: [^\n]*OOM/g)).toHaveLength(leakers.length);
  });

  test("L3: the agent killed ten times: its replicas are adopted, and no request fails afterwards", async () => {
    await project.renew();
    await project.settled(2);
    const before = await project.pids();
    const outagesMs: number[] = [];
    for (let count = 0; count < 10; count += 1) {
      const agent = await project.agentPid();
      const load = startSteadyLoad(project.port, connections);
      await until(() => load.answered() > 500, "no request is answered");
      expect(load.failures).toEqual([]);
      const at = performance.now();
      await killHard(agent);
      const so = load.answered();
      await until(() => load.answered() > so + connections, "nobody starts the agent again");
      outagesMs.push(performance.now() - at);
      await load.stop();
      const again = startSteadyLoad(project.port, connections);
      await until(() => again.answered() > 500, "no request is answered any more");
      await again.stop();
      expect(again.failures).toEqual([]);
      expect(await project.pids()).toEqual(before);
      expect(await project.agentPid()).not.toBe(agent);
    }
    await project.settled(2);
    expect((await project.replicas()).map(({ restarts }) => restarts)).toEqual([0, 0]);
    console.log(
      `agent killed: answered again after ${outagesMs.map((ms) => (ms / 1000).toFixed(1)).join(", ")} s`,
    );
  });
});

function signed(value: number): string {
  return `${value < 0 ? "" : "+"}${value.toFixed(0)}`;
}
