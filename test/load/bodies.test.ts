// Large bodies both ways through a service's own port, fast and very slow: they do not pile up in the agent.
import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  countFiles,
  createLoadProject,
  readMemory,
  untilClosed,
  type LoadProject,
} from "./support/load-project.ts";
import { isSkipped } from "./support/size.ts";
import { startSteadyLoad } from "./support/steady-load.ts";

const bodyBytes = 1e9;
const growthLimitBytes = 64e6;
const slowPieceBytes = 10_000;
const slowEveryMs = 1_000;
const block = Buffer.alloc(65_536, "x");

describe.skipIf(isSkipped)("bodies", { timeout: 600_000 }, () => {
  let project: LoadProject;
  beforeAll(async () => {
    project = await createLoadProject("replicas: 2\nmax_body: 2GB");
  }, 120_000);
  afterAll(() => project?.end(), 120_000);

  test("L6: 1 GB down and up, with and without a length, beside readers at 10 KB/s", async () => {
    const agent = await project.agentPid();
    const filesBefore = countFiles(agent);
    const warm = startSteadyLoad(project.port);
    await expect.poll(() => warm.answered(), { timeout: 120_000 }).toBeGreaterThan(20_000);
    await warm.stop();
    const before = readMemory(agent);
    let peak = 0;
    const watch = setInterval(() => (peak = Math.max(peak, readMemory(agent))), 50);
    const over = new AbortController();
    const readers = Array.from({ length: 20 }, () => readSlowly(over.signal));
    try {
      expect(await download()).toBe(bodyBytes);
      expect(await upload({ "Content-Length": bodyBytes })).toBe(bodyBytes);
      expect(await upload({ "Transfer-Encoding": "chunked" })).toBe(bodyBytes);
    } finally {
      over.abort();
      clearInterval(watch);
    }
    const slow = await Promise.all(readers);
    const grown = `${((peak - before) / 1e6).toFixed(0)} MB from ${(before / 1e6).toFixed(0)} MB`;
    console.log(`the agent's memory grew by ${grown}; slow readers took ${Math.min(...slow)} bytes or more`);
    expect(peak - before).toBeLessThan(growthLimitBytes);
    expect(slow.filter((bytes) => bytes === 0)).toEqual([]);
    await untilClosed(agent, filesBefore);
    expect(await project.agentPid()).toBe(agent);
  });

  async function download(): Promise<number> {
    const outgoing = request({ port: project.port, host: "127.0.0.1", path: `/bytes/${bodyBytes}` }).end();
    const [answer] = (await once(outgoing, "response")) as [IncomingMessage];
    let count = 0;
    for await (const piece of answer) count += (piece as Buffer).length;
    return count;
  }

  async function upload(headers: Record<string, string | number>): Promise<number> {
    const outgoing = request({ port: project.port, host: "127.0.0.1", method: "PUT", headers });
    const answered = once(outgoing, "response") as Promise<[IncomingMessage]>;
    await pipeline(Readable.from(listBlocks()), outgoing);
    const [answer] = await answered;
    return Number((await answer.toArray()).join(""));
  }

  /** Until it is told to stop; resolves with how many bytes it took. */
  async function readSlowly(signal: AbortSignal): Promise<number> {
    const socket = connect(project.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write(`GET /bytes/${bodyBytes} HTTP/1.1\r\nHost: a\r\n\r\n`);
    let count = 0;
    while (!signal.aborted) {
      const piece = socket.read(slowPieceBytes) as Buffer | null;
      count += piece?.length ?? 0;
      await delay(slowEveryMs, undefined, { signal }).catch(() => undefined);
    }
    socket.destroy();
    return count;
  }
});

function* listBlocks(): Generator<Buffer> {
  for (let left = bodyBytes; left > 0; left -= block.length) yield block.subarray(0, left);
}
