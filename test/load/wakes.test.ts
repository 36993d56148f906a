// L1 of a service, many times: requests that wake it; and replicas that leak. One start each, and nothing stays.
import { Agent, request } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { until } from "../faults/support/processes.ts";
import { ask } from "../support/ask.ts";
import {
  createLoadProject,
  openFiles,
  rssBytes,
  tell,
  whySkipped,
  type LoadProject,
} from "./support/load-project.ts";
import { startSteadyLoad, warmUp } from "./support/steady-load.ts";

const limitMb = 200;

if (whySkipped !== undefined) console.log(`test/load/wakes.test.ts: skipped: ${whySkipped}`);

describe.skipIf(whySkipped !== undefined)("a service", { timeout: 600_000 }, () => {
  let project: LoadProject;
  let agent = 0;
  beforeAll(async () => {
    project = await createLoadProject(`replicas: 2\nidle: 1h\nmemory: ${limitMb}MB\nstop: 1s`);
    agent = await project.agentPid();
    await warmUp(project.port);
  }, 240_000);
  afterAll(() => project.end(), 120_000);

  const starts = async () => {
    const { events } = await project.json<{ events: { to: string }[] }>(["history", "web"]);
    return events.filter(({ to }) => to === "waking").length;
  };
  const wakeBy = async (count: number) => {
    await project.must(["sleep", "web"]);
    expect(project.running()).toEqual([]);
    return countStatuses(project.port, count);
  };

  test("L1: 1,000 requests at once wake it once and are answered; then 50 wakes by 32 requests each", async () => {
    await wakeBy(32);
    const [before, bytes, startsBefore] = [openFiles(agent), rssBytes(agent), await starts()];
    expect(await wakeBy(1_000)).toEqual({ 200: 1_000 });
    const peakMb = (rssBytes(agent) - bytes) / 1e6;
    expect(await starts()).toBe(startsBefore + 1);
    const growthMb: number[] = [];
    for (let count = 0; count < 50; count += 1) {
      if (count % 10 === 0) growthMb.push(Math.round((rssBytes(agent) - bytes) / 1e6));
      expect(await wakeBy(32)).toEqual({ 200: 32 });
    }
    await project.settled();
    growthMb.push(Math.round((rssBytes(agent) - bytes) / 1e6));
    const grown = growthMb.join(" ");
    tell("L1 wakes", { wakes: 51, "RSS + MB by 1,000 (100)": peakMb, "RSS + MB every ten wakes": grown });
    expect(await starts()).toBe(startsBefore + 51);
    expect(peakMb).toBeLessThan(100);
    expect(growthMb.at(-1)).toBeLessThan(100);
    await expect.poll(() => openFiles(agent), { timeout: 30_000 }).toBeLessThanOrEqual(before + 5);
  });

  test("a replica that leaks is ended at its limit, six times under 32 connections: no request fails", async () => {
    await project.settled();
    const [before, bytes] = [openFiles(agent), rssBytes(agent)];
    const load = startSteadyLoad(project.port, 32, ["/", "/slow/20"]);
    for (let count = 0; count < 6; count += 1) {
      const replica = (await project.replicas())[count % 2];
      await leak(replica?.port ?? 0);
      await until(() => !project.running().includes(replica?.pid ?? 0), "it may leak for ever");
      await project.settled();
    }
    const { requests, failed, p99Ms } = await load.stop();
    const growthMb = (rssBytes(agent) - bytes) / 1e6;
    tell("leaks", { replicas: 6, requests, failed, "p99 ms": p99Ms, "agent's RSS + MB": growthMb });
    expect(load.failures).toEqual([]);
    const { stdout } = await project.must(["history", "web"]);
    expect(
      stdout.match(new RegExp(`ended: [^\\n]*OOM[^\\n]*limit (?:is|of) ${limitMb}MB`, "g")),
    ).toHaveLength(6);
    expect(growthMb).toBeLessThan(64);
    await expect.poll(() => openFiles(agent), { timeout: 30_000 }).toBeLessThanOrEqual(before + 5);
    expect(await project.agentPid()).toBe(agent);
  });
});

/** Asks the replica itself for more and more memory, until it is gone. */
async function leak(port: number): Promise<void> {
  for (let megabytes = 0; megabytes < 2 * limitMb; megabytes += 20) {
    const answer = await ask(`http://127.0.0.1:${port}/leak/20000000`).catch(() => undefined);
    if (answer === undefined) return;
  }
}

/** How often which status came of so many GETs at once, each on a connection of its own; 0: no answer. */
async function countStatuses(port: number, count: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  const agent = new Agent({ keepAlive: false, maxSockets: count });
  const one = () =>
    new Promise<number>((resolve) => {
      const outgoing = request({ port, host: "127.0.0.1", agent }, (response) =>
        response.resume().on("end", () => resolve(response.statusCode ?? 0)),
      );
      outgoing.on("error", () => resolve(0));
      outgoing.end();
    });
  for (const status of await Promise.all(Array.from({ length: count }, one)))
    counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}
