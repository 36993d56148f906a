// The corpus of requests that two parsers would read differently, at a service's door.
import { createServer } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { exchangeRaw, listen, startRawBackend } from "../../../test/support/door.ts";
import { startService } from "../../../test/support/service-door.ts";
import { brokenBodies, buildPost, refusedRequests } from "../../../test/support/smuggling-corpus.ts";

describe("T5: what is refused before anything is dialled", () => {
  test.each(refusedRequests)("%s", async (_what, bytes, status) => {
    const { port: backend, sockets } = await startRawBackend(() => {});
    let canaryHits = 0;
    const canary = createServer((socket) => {
      canaryHits += 1;
      socket.destroy();
    });
    const canaryPort = await listen(canary);
    onTestFinished(() => void canary.close());
    const { port, balancer, scene } = await startService([backend]);
    const sent = typeof bytes === "string" ? bytes : bytes(canaryPort);
    const answer = await exchangeRaw(port, `${sent}GET /smuggled HTTP/1.1\r\nHost: door.test\r\n\r\n`);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer.match(/^HTTP\/1\.1 /gm)).toHaveLength(1);
    expect({ dials: sockets.length, canaryHits, used: scene.used, inFlight: balancer.inFlight() }).toEqual({
      dials: 0,
      canaryHits: 0,
      used: 0,
      inFlight: 0,
    });
  });
});

describe("T5: bodies whose framing breaks", () => {
  test.each(brokenBodies)(
    "%s: 400, closed, and no replica sees the end of the request",
    async (_what, body) => {
      let upstream = "";
      const { port: backend, sockets } = await startRawBackend((socket) => {
        socket.on("data", (bytes) => (upstream += bytes.toString("latin1")));
        socket.on("end", () => socket.end());
      });
      const { port, balancer } = await startService([backend]);
      const answer = await exchangeRaw(
        port,
        `${buildPost(body, "Transfer-Encoding: chunked")}GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n`,
      );
      expect(answer).toMatch(/^HTTP\/1\.1 400 /);
      await expect.poll(() => sockets.every((socket) => socket.destroyed)).toBe(true);
      expect(upstream).not.toMatch(/smuggled|\r\n0\r\n\r\n/);
      expect(sockets.length).toBeLessThanOrEqual(1);
      expect(balancer.inFlight()).toBe(0);
    },
  );
});
