// Many connections at a service's own port: WebSockets, idle ones, failed handshakes and slow senders; nothing of them stays.
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { loadSockets } from "../../bench/balancer/sockets.ts";
import { killHard, until } from "../faults/support/processes.ts";
import { exchangeRaw } from "../support/door.ts";
import {
  countFiles,
  createLoadProject,
  readMemory,
  untilClosed,
  type LoadProject,
} from "./support/load-project.ts";
import { isSkipped, lastsMs } from "./support/size.ts";
import { startSteadyLoad } from "./support/steady-load.ts";

const memoryLimitBytes = 250e6;
const atOnce = 50;
/** So many messages may have no echo yet when the sockets are closed. */
const underWay = 100;
const get = "GET / HTTP/1.1\r\nHost: a\r\n";

describe.skipIf(isSkipped)("many connections", { timeout: lastsMs + 240_000 }, () => {
  let project: LoadProject;
  let agent = 0;
  let filesBefore = 0;
  beforeAll(async () => {
    project = await createLoadProject("replicas: 2");
    agent = await project.agentPid();
  }, 120_000);
  afterAll(() => project?.end(), 120_000);
  beforeEach(() => void (filesBefore = countFiles(agent)));
  afterEach(async () => {
    await untilClosed(agent, filesBefore);
    expect(await project.agentPid()).toBe(agent);
  });

  test("L4: 2,000 WebSockets, 200 messages a second over all of them", async () => {
    const load = { sockets: 2_000, perSecond: 200, seconds: Math.round(lastsMs / 1000) };
    const done = await loadSockets(project.port, agent, () => readMemory(agent), load);
    console.log(
      `${done.messages} echoes, p50 ${done.p50Ms.toFixed(1)} ms, p99 ${done.p99Ms.toFixed(1)} ms; the agent has ${megabytes(done.rssBytes)}`,
    );
    const sent = load.perSecond * load.seconds;
    expect(done.messages).toBeGreaterThan(sent - underWay);
    expect(done.rssBytes).toBeLessThan(memoryLimitBytes);
  });

  test("L4: 4,000 connections that do nothing after their first request hold up nobody", async () => {
    const idle = await openMany(4_000, `${get}\r\n`);
    await Promise.all(idle.map((socket) => (socket.bytesRead > 0 ? undefined : once(socket, "data"))));
    const load = startSteadyLoad(project.port);
    await until(() => load.answered() > 20_000, "others are not served", 120_000);
    await load.stop();
    console.log(
      `beside 4,000 idle connections: ${load.figures()}; the agent has ${megabytes(readMemory(agent))}`,
    );
    expect(load.failures).toEqual([]);
    for (const socket of idle) socket.destroy();
  });

  test("L5: 10,000 handshakes that the app breaks off: 502 each", async () => {
    expect(await countAnswers(10_000, "/broken")).toEqual({ "502": 10_000 });
  });

  test("L7: 500 slow senders of heads and 200 of bodies: heads are cut, others are served", async () => {
    const heads = await openMany(500, `${get}X-Drip: `);
    const bodies = await openMany(200, `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n`);
    const all = [...heads, ...bodies];
    const drip = setInterval(() => all.forEach((socket) => socket.writable && socket.write("x")), 500);
    const began = performance.now();
    const load = startSteadyLoad(project.port);
    try {
      const cut = await Promise.all(heads.map(readUntilClosed));
      const seconds = (performance.now() - began) / 1000;
      console.log(
        `heads cut after ${seconds.toFixed(1)} s at the latest; others meanwhile: ${load.figures()}`,
      );
      expect(cut.filter((text) => !text.startsWith("HTTP/1.1 408 "))).toEqual([]);
      expect(bodies.filter(({ closed }) => closed)).toEqual([]);
    } finally {
      clearInterval(drip);
      await load.stop();
      for (const socket of all) socket.destroy();
    }
    expect(load.failures).toEqual([]);
  });

  // The last one: nothing answers any more afterwards.
  test("L5: 10,000 handshakes while the replicas are killed until nobody starts them: an answer each", async () => {
    const killing = (async () => {
      while ((await project.workload("app")).state !== "failed")
        for (const pid of await project.pids()) await killHard(pid).catch(() => undefined);
    })();
    const seen = await countAnswers(10_000, "/broken");
    await killing;
    const { 502: broken = 0, 503: refused = 0, ...others } = seen;
    console.log(`${broken} answered 502, ${refused} answered 503`);
    expect(others).toEqual({});
    expect(await countAnswers(2_000, "/broken")).toEqual({ "503": 2_000 });
  });

  async function openMany(count: number, text: string): Promise<Socket[]> {
    const sockets: Socket[] = [];
    while (sockets.length < count) {
      const some = Array.from({ length: Math.min(atOnce, count - sockets.length) }, () =>
        connect(project.port, "127.0.0.1"),
      );
      await Promise.all(some.map((socket) => once(socket, "connect")));
      for (const socket of some) socket.on("error", () => {}).write(text);
      sockets.push(...some);
    }
    return sockets;
  }

  /** How often each status came for handshakes, 50 of them at once; "" where the connection just ended. */
  async function countAnswers(count: number, path: string): Promise<Record<string, number>> {
    const handshake = `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`;
    const seen: Record<string, number> = {};
    for (let done = 0; done < count; done += atOnce)
      for (const text of await Promise.all(
        Array.from({ length: atOnce }, () => exchangeRaw(project.port, handshake)),
      )) {
        const status = text.slice(9, 12);
        seen[status] = (seen[status] ?? 0) + 1;
      }
    return seen;
  }
});

async function readUntilClosed(socket: Socket): Promise<string> {
  let text = "";
  socket.on("data", (bytes: Buffer) => (text += bytes.toString("latin1")));
  if (!socket.closed) await once(socket, "close");
  return text;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}
