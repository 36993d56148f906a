// Which requests are given to another replica when one fails: never one that may have been done and must not be twice.
import { existsSync, readdirSync } from "node:fs";
import { createServer } from "node:net";
import { describe, expect, test } from "vitest";
import {
  exchangeRaw,
  listen,
  openRaw,
  startHttpBackend,
  startRawBackend,
} from "../../../test/support/door.ts";
import { replicaOn, startService } from "../../../test/support/service-door.ts";
import { startReplicaProcess } from "../../../test/support/replica-process.ts";
import { startServiceLoad } from "../../../test/support/service-load.ts";

const end = "Connection: close\r\n\r\n";
const send = (port: number, method: string, body = "") =>
  exchangeRaw(port, `${method} / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n${end}${body}`);
const ok = /^HTTP\/1\.1 200 [^]*\r\n\r\nok/;
const bad = /^HTTP\/1\.1 502 [^]*"iris does not answer\."/;

async function startGood() {
  const bodies: string[] = [];
  const { port } = await startHttpBackend((request, response) => {
    let body = "";
    request.on("data", (piece) => (body += String(piece)));
    request.on("end", () => {
      bodies.push(`${request.method} ${body}`);
      response.end("ok");
    });
  });
  return { port, bodies };
}

async function startDead() {
  const server = createServer();
  const port = await listen(server);
  server.close();
  return port;
}

/** Takes connections, and resets each when the request has come. */
async function startResetting(answer = "") {
  let requests = 0;
  const { port } = await startRawBackend((socket) =>
    socket.on("data", (bytes) => {
      if (!/HTTP\/1\.1\r\n/.test(bytes.toString("latin1"))) return;
      requests += 1;
      if (answer === "") socket.resetAndDestroy();
      else socket.write(answer, () => setImmediate(() => socket.resetAndDestroy()));
    }),
  );
  return { port, requests: () => requests };
}

/** Never ejected, so that each test meets the bad one. */
const outlier = { failures: 1_000 };

describe("refused", () => {
  test.each(["GET", "POST", "PUT", "PATCH", "DELETE"])(
    "%s goes to another replica, body and all, once",
    async (method) => {
      const good = await startGood();
      const { port, balancer, door } = await startService([await startDead(), good.port], { outlier });
      const body = method === "GET" ? "" : "x".repeat(200_000);
      for (let count = 0; count < 4; count += 1) expect(await send(port, method, body)).toMatch(ok);
      expect(good.bodies).toEqual(Array(4).fill(`${method} ${body}`));
      expect(balancer.replicas()).toMatchObject([
        { failures: 2, inFlight: 0 },
        { failures: 0, inFlight: 0 },
      ]);
      expect(door.metrics()).toContain('sesta_retries_total{service="iris"} 2\n');
      expect(door.metrics()).toContain('sesta_upstream_failures_total{service="iris",reason="refused"} 2\n');
    },
  );

  test("by all: 502, after a while", async () => {
    const dead = [await startDead(), await startDead()];
    const { port, balancer } = await startService(dead, { holdMs: () => 150 });
    expect(await send(port, "POST", "x")).toMatch(bad);
    expect(balancer.replicas()).toMatchObject([
      { failures: 1, inFlight: 0 },
      { failures: 1, inFlight: 0 },
    ]);
    expect(balancer.inFlight()).toBe(0);
  });

  test("one that fails again and again is left alone for a while", async () => {
    const good = await startGood();
    const { port, balancer } = await startService([await startDead(), good.port]);
    for (let count = 0; count < 20; count += 1) expect(await send(port, "GET")).toMatch(ok);
    expect(balancer.replicas()).toMatchObject([
      { failures: 3, requests: 3 },
      { failures: 0, requests: 20 },
    ]);
  });
});

describe("the only replica is dead", () => {
  test("what did not reach it, or may be asked again, waits for the next; a POST that it had does not", async () => {
    const good = await startGood();
    const { port: backend, sockets } = await startRawBackend(() => {});
    const { port, balancer } = await startService([backend]);
    const had = [send(port, "GET"), send(port, "POST", "x")];
    await expect.poll(() => sockets.length).toBe(2);
    balancer.route([replicaOn(await startDead(), "dead")]);
    const came = [send(port, "GET"), send(port, "POST", "y"), send(port, "PUT", "z")];
    await expect.poll(() => balancer.replicas().find(({ id }) => id === "dead")?.failures).toBe(3);
    expect(balancer.replicas().find(({ id }) => id === "dead")?.inFlight).toBe(0);
    await expect.poll(() => sockets.every((socket) => socket.bytesRead > 0)).toBe(true);
    for (const socket of sockets) socket.resetAndDestroy();
    expect(await had[1]).toMatch(bad);
    expect(balancer.inFlight()).toBe(4);
    balancer.route([replicaOn(good.port, "next")]);
    for (const answer of await Promise.all([had[0], ...came])) expect(answer).toMatch(ok);
    expect(good.bodies.toSorted()).toEqual(["GET ", "GET ", "POST y", "PUT z"]);
    expect(balancer.inFlight()).toBe(0);
  });

  test("one that starts again on its own port is found again", async () => {
    const server = createServer((socket) =>
      socket.on("data", () => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")),
    );
    const backend = await startDead();
    const { port, balancer } = await startService([backend], { outlier });
    const asked = send(port, "POST", "x");
    await expect.poll(() => balancer.replicas()[0]?.failures).toBe(1);
    server.listen(backend, "127.0.0.1");
    expect(await asked).toMatch(ok);
    server.close();
  });

  test("whoever goes away while it waits is let go; a WebSocket does not wait", async () => {
    const { port, balancer } = await startService([await startDead()]);
    const client = openRaw(port);
    client.write(`GET / HTTP/1.1\r\nHost: a\r\n${end}`);
    await expect.poll(() => balancer.replicas()[0]?.failures).toBe(1);
    expect(balancer.inFlight()).toBe(1);
    client.socket.destroy();
    await expect.poll(() => balancer.inFlight()).toBe(0);
    const upgrade = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    expect(await exchangeRaw(port, upgrade)).toMatch(bad);
  });
});

describe("reset when the request was sent", () => {
  test.each(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])("%s is sent again", async (method) => {
    const good = await startGood();
    const reset = await startResetting();
    const { port } = await startService([reset.port, good.port], { outlier });
    const body = method === "PUT" ? "whole" : "";
    for (let count = 0; count < 4; count += 1)
      expect(await send(port, method, body)).toMatch(/^HTTP\/1\.1 200 /);
    expect(reset.requests()).toBe(2);
    expect(good.bodies).toEqual(Array(4).fill(`${method} ${body}`));
  });

  test.each(["POST", "PATCH"])("%s is not", async (method) => {
    const good = await startGood();
    const reset = await startResetting();
    const { port } = await startService([reset.port, good.port], { outlier });
    const answers = [];
    for (let count = 0; count < 4; count += 1) answers.push(await send(port, method, "x"));
    expect(answers.filter((answer) => ok.test(answer))).toHaveLength(2);
    expect(answers.filter((answer) => bad.test(answer))).toHaveLength(2);
    expect(reset.requests() + good.bodies.length).toBe(4);
  });

  test("nor is a PUT whose body is not kept", async () => {
    const good = await startGood();
    const reset = await startResetting();
    const { port } = await startService([reset.port, good.port], { outlier });
    const answers = [];
    for (let count = 0; count < 2; count += 1) answers.push(await send(port, "PUT", "x".repeat(900_000)));
    expect(answers.filter((answer) => ok.test(answer))).toHaveLength(1);
    expect(good.bodies).toHaveLength(1);
  });

  test("a request that kills whoever reads it is sent to two, not to all", async () => {
    const resets = await Promise.all([1, 2, 3, 4].map(() => startResetting()));
    const { port } = await startService(
      resets.map((one) => one.port),
      { outlier },
    );
    expect(await send(port, "GET")).toMatch(bad);
    expect(resets.reduce((sum, one) => sum + one.requests(), 0)).toBe(2);
  });

  test.each(["HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart"])(
    "nothing is sent again once a byte of the answer was here (%j)",
    async (answer) => {
      const good = await startGood();
      const reset = await startResetting(answer);
      const { port } = await startService([reset.port, good.port], { outlier });
      const answers = [await send(port, "GET"), await send(port, "GET")];
      expect(answers.filter((one) => ok.test(one))).toHaveLength(1);
      expect(good.bodies).toHaveLength(1);
    },
  );

  test("no HTTP is no answer, and is not asked for twice", async () => {
    const { port: backend } = await startRawBackend((socket) =>
      socket.on("data", () => socket.end("SSH-2.0-x\r\n\r\n")),
    );
    const { port, balancer, door } = await startService([backend]);
    expect(await send(port, "GET")).toMatch(/^HTTP\/1\.1 502 [^]*valid HTTP/);
    expect(balancer.replicas()).toMatchObject([{ failures: 1, inFlight: 0 }]);
    expect(door.metrics()).toContain('reason="invalid"} 1\n');
  });
});

test("a server that ends its idle connections without a word fails no POST", async () => {
  let requests = 0;
  const { port: backend } = await startRawBackend((socket) => {
    socket.on("end", () => socket.end());
    socket.on("data", (bytes) => {
      requests += bytes.toString("latin1").match(/POST/g)?.length ?? 0;
      socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
  });
  const { port, balancer } = await startService([backend]);
  const client = openRaw(port);
  for (let count = 1; count <= 100; count += 1) {
    client.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx");
    await expect.poll(() => client.count("\r\n\r\nok"), { interval: 1 }).toBe(count);
  }
  expect(requests).toBe(100);
  expect(balancer.replicas()).toMatchObject([{ failures: 0 }]);
});

describe("under load, 32 connections", () => {
  test("a replica that is killed fails nothing but POSTs that it had", { timeout: 30_000 }, async () => {
    const replicas = await Promise.all([startReplicaProcess(), startReplicaProcess()]);
    const { port, balancer } = await startService(replicas.map((replica) => replica.port));
    const load = startServiceLoad(port, 32);
    await expect.poll(() => load.outcomes.length, { timeout: 10_000 }).toBeGreaterThan(500);
    const killedAt = performance.now();
    await replicas[0]?.end("SIGKILL");
    const before = load.outcomes.length;
    await expect.poll(() => load.outcomes.length, { timeout: 10_000 }).toBeGreaterThan(before + 500);
    await load.stop();
    await replicas[1]?.end("SIGTERM");
    const failed = load.outcomes.filter((outcome) => !outcome.ok);
    expect(failed.filter(({ method }) => method !== "POST")).toEqual([]);
    expect(failed.filter(({ endedAt }) => endedAt < killedAt)).toEqual([]);
    expect(failed.length).toBeLessThanOrEqual(16);
    expect(balancer.inFlight()).toBe(0);
    const posts = replicas.flatMap(({ seen }) => seen).filter((line) => line.startsWith("POST"));
    expect(new Set(posts).size).toBe(posts.length);
  });

  test(
    "deploys: new ones are routed, old ones drained, then ended; nothing fails",
    { timeout: 30_000 },
    async () => {
      let replicas = await Promise.all([startReplicaProcess(), startReplicaProcess()]);
      const { port, balancer } = await startService([]);
      balancer.route(replicas.map((replica, index) => replicaOn(replica.port, `0-${index}`)));
      const load = startServiceLoad(port, 32);
      for (let release = 1; release <= 4; release += 1) {
        const next = await Promise.all([startReplicaProcess(), startReplicaProcess()]);
        balancer.route(next.map((replica, index) => replicaOn(replica.port, `${release}-${index}`)));
        const left = await Promise.all(
          [0, 1].map((index) => balancer.drain(`${release - 1}-${index}`, 10_000)),
        );
        expect(left).toEqual([0, 0]);
        await Promise.all(replicas.map((replica) => replica.end("SIGTERM")));
        replicas = next;
      }
      await load.stop();
      expect(load.outcomes.length).toBeGreaterThan(500);
      expect(load.outcomes.filter((outcome) => !outcome.ok)).toEqual([]);
      expect(balancer.replicas().reduce((sum, { failures }) => sum + failures, 0)).toBe(0);
    },
  );
});

test.skipIf(!existsSync("/proc/self/fd"))(
  "L5: 300 failed handshakes leave no descriptor behind",
  async () => {
    const { port, balancer } = await startService([await startDead(), await startDead()]);
    const count = () => readdirSync("/proc/self/fd").length;
    const before = count();
    const upgrade = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    for (let done = 0; done < 300; done += 50)
      for (const answer of await Promise.all(Array.from({ length: 50 }, () => exchangeRaw(port, upgrade))))
        expect(answer).toMatch(/^HTTP\/1\.1 502 /);
    await expect.poll(count).toBeLessThanOrEqual(before);
    expect(balancer.inFlight()).toBe(0);
  },
);
