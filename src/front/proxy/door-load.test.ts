// The door under load, in a process of its own: descriptors, slow senders, many at once.
import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { connect, createServer, type Socket } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { existsSync } from "node:fs";
import { describe, expect, onTestFinished, test } from "vitest";
import { startDoorProcess } from "../../../test/support/door-process.ts";
import { systemClock } from "../../base/clock.ts";
import { silentLog } from "../../base/log.ts";
import { createDoorServer } from "./door-server.ts";
import { exchangeRaw, listen, openRaw, startDoor, startHttpBackend } from "../../../test/support/door.ts";

const full = Boolean(process.env["SESTA_FULL"]);
const bodyBytes = full ? 1_000_000_000 : 200_000_000;
const block = Buffer.alloc(65_536, "x");
const oneRequest = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

function* blocks(total: number): Generator<Buffer> {
  for (let left = total; left > 0; left -= block.length)
    yield left < block.length ? block.subarray(0, left) : block;
}

async function countBytes(stream: AsyncIterable<Buffer>, each?: () => Promise<void>): Promise<number> {
  let count = 0;
  for await (const piece of stream) {
    count += piece.length;
    await each?.();
  }
  return count;
}

/** Linux only: memory and descriptors are read from /proc. */
describe.skipIf(!existsSync("/proc/self/fd"))("in a process of its own", () => {
  test(
    `L6: ${bodyBytes / 1e6} MB down and up, fast and slow, leave the memory flat`,
    { timeout: 120_000 },
    async () => {
      const { port: backend } = await startHttpBackend(async (request, response) => {
        if (request.method === "GET") {
          const headers = request.url === "/chunked" ? {} : { "Content-Length": bodyBytes };
          await pipeline(Readable.from(blocks(bodyBytes)), response.writeHead(200, headers)).catch(() => {});
        } else response.end(String(await countBytes(request)));
      });
      const door = await startDoorProcess(backend);
      await exchangeRaw(door.port, "HEAD /warm HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
      const before = door.rssBytes();
      let peak = 0;
      const watch = async () => void (peak = Math.max(peak, door.rssBytes()));

      // Readers that take nothing for now: what they do not take must not pile up in the door.
      for (const path of ["/length", "/chunked"]) {
        const slow = openRaw(door.port);
        slow.socket.removeAllListeners("data");
        slow.socket.pause();
        slow.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
      }

      for (const path of ["/length", "/chunked"]) {
        const down = httpRequest({ port: door.port, host: "127.0.0.1", path }).end();
        const [response] = (await once(down, "response")) as [IncomingMessage];
        expect(await countBytes(response, watch)).toBe(bodyBytes);
      }
      for (const headers of [{ "Content-Length": bodyBytes }, { "Transfer-Encoding": "chunked" }]) {
        const up = httpRequest({ port: door.port, host: "127.0.0.1", method: "PUT", headers });
        const answer = once(up, "response");
        await pipeline(Readable.from(blocks(bodyBytes)), up);
        const [response] = (await answer) as [IncomingMessage];
        expect(Number((await response.toArray()).join(""))).toBe(bodyBytes);
        await watch();
      }
      expect(peak).toBeGreaterThan(0);
      expect((peak - before) / 1e6).toBeLessThan(64);
    },
  );

  test("L5: failed handshakes and requests leave no descriptor behind", async () => {
    const dead = createServer();
    const backend = await listen(dead);
    dead.close();
    const door = await startDoorProcess(backend);
    await exchangeRaw(door.port, oneRequest);
    const before = door.openFiles();
    const upgrade = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    const count = full ? 10_000 : 500;
    for (let done = 0; done < count; done += 50)
      await Promise.all(
        Array.from({ length: 50 }, async (_, index) =>
          expect(await exchangeRaw(door.port, index % 5 === 0 ? oneRequest : upgrade)).toMatch(
            /^HTTP\/1\.1 502 /,
          ),
        ),
      );
    await expect.poll(() => door.openFiles()).toBeLessThanOrEqual(before);
    expect(door.alive()).toBe(true);
  });

  test("L9: out of descriptors: 503 or shed, and it recovers", async () => {
    const held = new Set<Socket>();
    const { port: backend, server } = await startHttpBackend((request, response) => {
      if (request.url !== "/hold") response.end("ok");
    });
    server.on("connection", (socket) => held.add(socket));
    const door = await startDoorProcess(backend, 64);
    const answers: string[] = [];
    const clients = Array.from({ length: 200 }, () => {
      const socket = connect(door.port, "127.0.0.1", () =>
        socket.write("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n"),
      );
      socket.on("data", (bytes) => answers.push(bytes.toString()));
      socket.on("error", () => {});
      return { socket, closed: once(socket, "close").catch(() => {}) };
    });
    onTestFinished(() => clients.forEach(({ socket }) => socket.destroy()));
    // Every client is held, answered 503, or shed.
    await expect
      .poll(() => held.size + answers.length + clients.filter(({ socket }) => socket.destroyed).length, {
        timeout: 5_000,
      })
      .toBeGreaterThanOrEqual(200 - 64);
    for (const answer of answers) expect(answer).toMatch(/^HTTP\/1\.1 503 /);
    for (const { socket } of clients) socket.destroy();
    await expect
      .poll(() => exchangeRaw(door.port, oneRequest), { timeout: 5_000 })
      .toMatch(/^HTTP\/1\.1 200 /);
    expect(door.alive()).toBe(true);
  });
});

describe("L7: slow senders", () => {
  test("heads that do not come are cut with 408, others are served meanwhile", async () => {
    const { port: backend } = await startHttpBackend((_request, response) => response.end("ok"));
    const { port } = await startDoor(backend, { limits: { headersMs: 400 } });
    const slow = Array.from({ length: full ? 500 : 100 }, (_, index) => {
      const client = openRaw(port);
      if (index % 2 === 0) client.write("GET / HTTP/1.1\r\nHost: a\r\nX-Drip: ");
      const drip = setInterval(() => client.socket.write("x"), 100);
      return client.closed().finally(() => clearInterval(drip));
    });
    for (let count = 0; count < 20; count += 1) expect(await exchangeRaw(port, oneRequest)).toMatch(/\bok\b/);
    for (const answer of await Promise.all(slow)) expect(answer).toMatch(/^(?:HTTP\/1\.1 4\d\d [^]*)?$/);
  });

  test("a head that does not come is cut on a connection that somebody else accepted, too", async () => {
    const door = createDoorServer({
      clock: systemClock,
      log: silentLog,
      decide: () => ({ kind: "local" }),
      local: (_request, response) => response.end("local"),
      limits: { headersMs: 400 },
    });
    onTestFinished(() => door.close());
    const port = await listen(createServer((socket) => door.accept(socket)));
    expect(await exchangeRaw(port, oneRequest)).toMatch(/local/);
    const client = openRaw(port);
    client.write("GET / HTTP/1.1\r\nHost: a\r\n");
    expect(await client.closed()).toMatch(/^HTTP\/1\.1 408 /);
  });

  test("a body that stands still is cut, and its upstream request with it", async () => {
    const { port: backend } = await startHttpBackend((request) => void request.resume());
    const { port } = await startDoor(backend, { limits: { bodyIdleMs: 300 } });
    const client = openRaw(port);
    client.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc");
    expect(await client.closed()).toBe("");
  });
});
