// L4 and L5 of a service: thousands of WebSockets, connections and failed upgrades, and no descriptor left of them.
import { once } from "node:events";
import { Agent, request } from "node:http";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadSockets } from "../../bench/balancer/sockets.ts";
import { ask, handshake } from "../support/ask.ts";
import {
  createLoadProject,
  openFiles,
  rssBytes,
  tell,
  whySkipped,
  type LoadProject,
} from "./support/load-project.ts";
import { warmUp } from "./support/steady-load.ts";

const socketSeconds = 30;
const connections = 2_000;
const upgrades = 10_000;
const atOnce = 50;

if (whySkipped !== undefined) console.log(`test/load/connections.test.ts: skipped: ${whySkipped}`);

describe.skipIf(whySkipped !== undefined)("a service", { timeout: 300_000 }, () => {
  let project: LoadProject;
  let agent = 0;
  beforeAll(async () => {
    // Seldom enough that a replica which takes no connection is not started again meanwhile.
    project = await createLoadProject("replicas: 2", "10m");
    agent = await project.agentPid();
    await project.settled();
    await warmUp(project.port);
  }, 240_000);
  afterAll(() => project.end(), 120_000);

  const untilClosed = (before: number) =>
    expect.poll(() => openFiles(agent), { timeout: 30_000 }).toBeLessThanOrEqual(before + 5);

  test("L4: 2,000 WebSockets, 200 messages a second: none is lost, and no socket stays", async () => {
    const load = { sockets: connections, perSecond: 200, seconds: socketSeconds };
    const before = openFiles(agent);
    const seen = await loadSockets(project.port, agent, () => rssBytes(agent), load);
    tell("L4 WebSockets", {
      messages: seen.messages,
      lost: seen.lost,
      "p50 ms": seen.p50Ms,
      "p99 ms (50)": seen.p99Ms,
      "RSS MB (250)": seen.rssBytes / 1e6,
    });
    await untilClosed(before);
    expect(seen.lost).toBe(0);
    expect(seen.rssBytes / 1e6).toBeLessThan(250);
    expect(await project.metric("sesta_requests_in_flight")).toBe(0);
  });

  test("L4: 2,000 kept connections, a request on each at once, five times: none fails, and no socket stays", async () => {
    const before = openFiles(agent);
    const statuses: number[] = [];
    const kept = new Agent({ keepAlive: true, maxSockets: connections });
    let peakBytes = 0;
    for (let round = 0; round < 5; round += 1) {
      const burst = Array.from({ length: connections }, () => askKept(project.port, kept, "/slow/1000"));
      statuses.push(...(await Promise.all(burst)));
      peakBytes = Math.max(peakBytes, rssBytes(agent));
    }
    kept.destroy();
    const failed = statuses.filter((status) => status !== 200);
    tell("L4 connections", { requests: statuses.length, failed: failed.length, "RSS MB": peakBytes / 1e6 });
    await untilClosed(before);
    expect(failed).toEqual([]);
    expect(peakBytes / 1e6).toBeLessThan(250);
  });

  test("L5: 10,000 upgrades to replicas that reset them or take none: no descriptor stays, the agent lives", async () => {
    const before = openFiles(agent);
    const bytes = rssBytes(agent);
    const reset = await countUpgrades(project.port, "/reset", upgrades / 2);
    expect(await project.metric("sesta_requests_in_flight")).toBe(0);
    expect((await ask(project.url)).status).toBe(200);
    for (const { port } of await project.replicas()) await ask(`http://127.0.0.1:${port}/deaf`);
    const refused = await countUpgrades(project.port, "/", upgrades / 2);
    const growthMb = (rssBytes(agent) - bytes) / 1e6;
    await untilClosed(before);
    tell("L5", {
      reset: JSON.stringify(reset),
      refused: JSON.stringify(refused),
      "descriptors more": openFiles(agent) - before,
      "growth MB": growthMb,
    });
    expect([reset, refused]).toEqual([{ 502: upgrades / 2 }, { 502: upgrades / 2 }]);
    expect(growthMb).toBeLessThan(64);
    expect(await project.agentPid()).toBe(agent);
    expect(await project.metric("sesta_requests_in_flight")).toBe(0);
  });
});

function askKept(port: number, agent: Agent, path: string): Promise<number> {
  return new Promise((resolve) => {
    const outgoing = request({ port, host: "127.0.0.1", agent, path }, (response) => {
      response.resume().on("end", () => resolve(response.statusCode ?? 0));
      response.on("error", () => resolve(0));
    });
    outgoing.on("error", () => resolve(0));
    outgoing.end();
  });
}

/** How often which status came; 0 is a connection that ended without one. */
async function countUpgrades(port: number, path: string, count: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  const fields = Object.entries(handshake).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `GET ${path} HTTP/1.1\r\nHost: a\r\n${fields.join("")}\r\n`;
  const one = async () => {
    const socket = connect(port, "127.0.0.1", () => socket.write(head));
    let text = "";
    socket.on("error", () => {});
    socket.on("data", (piece) => {
      text += piece.toString("latin1");
      if (text.startsWith("HTTP/1.1 101")) socket.destroy();
    });
    await once(socket, "close");
    const status = /^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? "0";
    counts[status] = (counts[status] ?? 0) + 1;
  };
  for (let done = 0; done < count; done += atOnce) await Promise.all(Array.from({ length: atOnce }, one));
  return counts;
}
