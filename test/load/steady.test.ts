// L3 of a service: a steady load for ten minutes, and the same while it is deployed, rolled back, killed and adopted.
import { readdirSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { killHard, until } from "../faults/support/processes.ts";
import {
  createLoadProject,
  loadSeconds,
  openFiles,
  rssBytes,
  tell,
  whySkipped,
  type LoadProject,
} from "./support/load-project.ts";
import { startSteadyLoad, warmUp, type SteadyLoad } from "./support/steady-load.ts";

const connections = 32;
const changesSeconds = loadSeconds / 2;
const marginMs = 120_000;
const paths = ["/", "/slow/5", "/", "/slow/20"]; // so that something is in flight whatever happens

if (whySkipped !== undefined) console.log(`test/load/steady.test.ts: skipped: ${whySkipped}`);

describe.skipIf(whySkipped !== undefined)("a service", () => {
  let project: LoadProject;
  beforeAll(async () => {
    project = await createLoadProject("replicas: 2\nstop: 2s");
    await warmUp(project.port);
  }, 2 * marginMs);
  afterAll(() => project.end(), marginMs);

  const startLoad = (count = connections, asked = paths) => {
    const load = startSteadyLoad(project.port, count, asked);
    onTestFinished(() => void load.stop()); // also when the test fails
    return load;
  };
  const untilAnswers = (load: SteadyLoad) => {
    const so = load.asked();
    return until(() => load.asked() > so + 2 * connections, "no request is answered");
  };

  test(
    `L3: 64 connections for ${loadSeconds} s, 1 KB: no request fails, descriptors and memory stay`,
    { timeout: loadSeconds * 1000 + marginMs },
    async () => {
      const agent = await project.agentPid();
      const before = openFiles(agent);
      const pids = await project.settled();
      const load = startLoad(64, ["/"]);
      const warmBytes = rssBytes(agent);
      let peakBytes = warmBytes;
      const end = performance.now() + loadSeconds * 1000;
      while (performance.now() < end) {
        await delay(1_000);
        peakBytes = Math.max(peakBytes, rssBytes(agent));
      }
      const { requests, failed, perSecond, p50Ms, p99Ms } = await load.stop();
      const growthMb = (rssBytes(agent) - warmBytes) / 1e6;
      await expect.poll(() => openFiles(agent), { timeout: 30_000 }).toBeLessThanOrEqual(before + 5);
      tell("L3 steady", {
        requests,
        failed,
        "req/s (2000)": perSecond,
        "p50 ms": p50Ms,
        "p99 ms (100)": p99Ms,
        "RSS warm MB": warmBytes / 1e6,
        "RSS peak MB": peakBytes / 1e6,
        "growth MB": growthMb,
        "descriptors more": openFiles(agent) - before,
      });
      expect(load.failures).toEqual([]);
      expect(growthMb).toBeLessThan(64);
      expect(await project.settled()).toEqual(pids);
      expect(await project.metric("sesta_requests_in_flight")).toBe(0);
    },
  );

  test(
    `L3: deploy, rollback and kill -9 of a replica for ${changesSeconds} s under 32 connections: no request fails`,
    { timeout: changesSeconds * 1000 + 2 * marginMs },
    async () => {
      const agent = await project.agentPid();
      const filesBefore = openFiles(agent);
      const warmBytes = rssBytes(agent);
      const load = startLoad();
      const done = { deploys: 0, rollbacks: 0, kills: 0, "kills in a deploy": 0 };
      const killOne = async () => {
        const [first = 0, second = 0] = await project.settled();
        await killHard(done.kills % 2 === 0 ? first : second);
        done.kills += 1;
        await project.settled();
      };
      /** The number of the release whose folder was made last. */
      const newest = () => Math.max(...readdirSync(project.path(".sesta/agent/services/web")).map(Number));
      const end = performance.now() + changesSeconds * 1000;
      while (performance.now() < end && load.failed() === 0) {
        project.ship(`deploy ${done.deploys}`);
        const [old = 0] = await project.settled();
        const before = newest();
        const deploying = project.must(["deploy", "web", "-y"]);
        if (done.deploys % 2 === 1) {
          await until(() => newest() > before, "no release begins");
          await killHard(old);
          done["kills in a deploy"] += 1;
        }
        await deploying;
        done.deploys += 1;
        await killOne();
        await project.must(["rollback", "web", "-y"]);
        done.rollbacks += 1;
        await killOne();
        await untilAnswers(load);
      }
      const { requests, failed, perSecond, p50Ms, p99Ms } = await load.stop();
      await expect.poll(() => openFiles(agent), { timeout: 30_000 }).toBeLessThanOrEqual(filesBefore + 5);
      const figures = { requests, failed, "req/s": perSecond, "p50 ms": p50Ms, "p99 ms": p99Ms };
      const growthMb = (rssBytes(agent) - warmBytes) / 1e6;
      tell("L3 changes", { ...done, ...figures, "agent's RSS growth MB": growthMb });
      expect(load.failures).toEqual([]);
      expect(growthMb).toBeLessThan(64);
      await project.settled();
      expect(await project.agentPid()).toBe(agent);
      expect(await project.metric("sesta_requests_in_flight")).toBe(0);
    },
  );

  test("L3: the agent killed ten times under 32 connections: it comes back, the replicas are the same processes", async () => {
    const pids = await project.settled();
    for (let count = 0; count < 10; count += 1) {
      const load = startLoad();
      await untilAnswers(load);
      expect(load.failures).toEqual([]);
      await killHard(await project.agentPid());
      await load.stop(); // what was under way fails, and whatever comes until it is back
      await until(async () => (await project.settled()).join() === pids.join(), "other replicas run");
      const after = startLoad();
      await untilAnswers(after);
      await after.stop();
      expect(after.failures).toEqual([]);
    }
    expect((await project.replicas()).map(({ pid }) => pid).toSorted((a, b) => a - b)).toEqual(pids);
    tell("agent killed", { times: 10, "replicas started again": 0 });
  }, 600_000);
});
