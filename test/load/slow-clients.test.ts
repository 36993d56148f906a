// L6 and L7 of a service: a GB up and down, and clients that send or read hardly anything, in nobody's way.
import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  createLoadProject,
  openFiles,
  rssBytes,
  tell,
  whySkipped,
  type LoadProject,
} from "./support/load-project.ts";
import { startSteadyLoad, warmUp } from "./support/steady-load.ts";

const gigabyte = 1_000_000_000;
const slow = 500;
const block = Buffer.alloc(65_536, "x");

if (whySkipped !== undefined) console.log(`test/load/slow-clients.test.ts: skipped: ${whySkipped}`);

describe.skipIf(whySkipped !== undefined)("a service", { timeout: 300_000 }, () => {
  let project: LoadProject;
  let agent = 0;
  beforeAll(async () => {
    project = await createLoadProject("replicas: 2\nmax_body: 2GB");
    agent = await project.agentPid();
    await warmUp(project.port);
  }, 240_000);
  afterAll(() => project.end(), 120_000);

  const untilClosed = (before: number) =>
    expect.poll(() => openFiles(agent), { timeout: 30_000 }).toBeLessThanOrEqual(before + 5);

  test("L6: 1 GB down and up beside a reader of 10 KB/s: every byte comes, the memory stays", async () => {
    const [before, bytes] = [openFiles(agent), rssBytes(agent)];
    let peak = 0;
    const watch = setInterval(() => (peak = Math.max(peak, rssBytes(agent))), 100);
    const reader = startSlowReader(project.port, `/down/${gigabyte}`, 10_000);
    for (const path of [`/down/${gigabyte}`, `/down/${gigabyte}/chunked`])
      expect(await countDown(project.port, path)).toBe(gigabyte);
    for (const headers of [{ "Content-Length": gigabyte }, { "Transfer-Encoding": "chunked" }])
      expect(await countUp(project.port, headers)).toBe(gigabyte);
    clearInterval(watch);
    const growthMb = (peak - bytes) / 1e6;
    tell("L6", { "RSS + MB (64)": growthMb, "slow reader KB": reader.received() / 1e3 });
    expect(reader.isOpen()).toBe(true);
    reader.end();
    await untilClosed(before);
    expect(growthMb).toBeLessThan(64);
  });

  test("L7: 500 heads that drip, 500 bodies that drip, 200 readers that read nothing: others are served", async () => {
    const [before, bytes] = [openFiles(agent), rssBytes(agent)];
    const heads = await openSlow(project.port, slow, "GET / HTTP/1.1\r\nHost: a\r\nX-Drip: ");
    const bodies = await openSlow(
      project.port,
      slow,
      "POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 999\r\n\r\n",
    );
    const readers = Array.from({ length: 200 }, () => startSlowReader(project.port, "/down/5000000", 0));
    const drip = setInterval(() => {
      for (const { socket } of [...heads, ...bodies]) if (socket.writable) socket.write("x");
    }, 1_000);
    const load = startSteadyLoad(project.port, 32);
    const cut = await Promise.all(heads.map(({ closed }) => closed));
    await delay(5_000); // those that are slow by right go on
    const { requests, failed, p50Ms, p99Ms } = await load.stop();
    clearInterval(drip);
    const growthMb = (rssBytes(agent) - bytes) / 1e6;
    tell("L7", {
      requests,
      failed,
      "p50 ms": p50Ms,
      "p99 ms (250)": p99Ms,
      "last head cut after s (15)": Math.max(...cut.map(({ seconds }) => seconds)),
      "RSS + MB": growthMb,
    });
    expect(load.failures).toEqual([]);
    expect(cut.filter(({ text }) => !text.startsWith("HTTP/1.1 408 "))).toEqual([]);
    expect(bodies.filter(({ socket }) => socket.destroyed)).toEqual([]);
    for (const { socket } of bodies) socket.destroy();
    for (const reader of readers) reader.end();
    await untilClosed(before);
    await expect.poll(() => project.metric("sesta_requests_in_flight"), { timeout: 30_000 }).toBe(0);
  });
});

function* blocks(total: number): Generator<Buffer> {
  for (let left = total; left > 0; left -= block.length)
    yield left < block.length ? block.subarray(0, left) : block;
}

async function countDown(port: number, path: string): Promise<number> {
  const [response] = (await once(request({ port, host: "127.0.0.1", path }).end(), "response")) as [
    IncomingMessage,
  ];
  let count = 0;
  for await (const piece of response as AsyncIterable<Buffer>) count += piece.length;
  return count;
}

async function countUp(port: number, headers: Record<string, string | number>): Promise<number> {
  const up = request({ port, host: "127.0.0.1", path: "/up", method: "PUT", headers });
  const answer = once(up, "response");
  await pipeline(Readable.from(blocks(gigabyte)), up);
  const [response] = (await answer) as [IncomingMessage];
  return Number((await response.toArray()).join(""));
}

/** Reads so many bytes a second; with 0, nothing ever. */
function startSlowReader(port: number, path: string, perSecond: number) {
  const socket = connect(port, "127.0.0.1", () => socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`));
  let received = 0;
  socket.on("error", () => {});
  socket.pause();
  const read = () => {
    const piece = (socket.read(perSecond / 10) ?? socket.read()) as Buffer | null;
    received += piece?.length ?? 0;
  };
  const timer = perSecond > 0 ? setInterval(read, 100) : undefined;
  return {
    received: () => received,
    isOpen: () => !socket.destroyed,
    end() {
      clearInterval(timer);
      socket.destroy();
    },
  };
}

type Slow = { socket: Socket; closed: Promise<{ text: string; seconds: number }> };

function openSlow(port: number, count: number, bytes: string): Promise<Slow[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const socket = connect(port, "127.0.0.1");
      let text = "";
      socket.on("error", () => {});
      socket.on("data", (piece) => (text += piece.toString("latin1")));
      await once(socket, "connect");
      const begun = performance.now();
      socket.write(bytes);
      const closed = once(socket, "close").then(() => ({
        text,
        seconds: (performance.now() - begun) / 1000,
      }));
      return { socket, closed };
    }),
  );
}
