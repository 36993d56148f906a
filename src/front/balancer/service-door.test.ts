// A service's door: who may pass, what goes on to the replica, what is counted; sleeping services are in holding.test.ts.
import { hash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { describe, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import {
  exchangeRaw,
  listen,
  onHeads,
  openRaw,
  startHttpBackend,
  startRawBackend,
} from "../../../test/support/door.ts";
import { startService } from "../../../test/support/service-door.ts";

const end = "Connection: close\r\n\r\n";
const get = (path: string, ...lines: string[]) =>
  `GET ${path} HTTP/1.1\r\nHost: iris.test:8080\r\n${lines.map((line) => `${line}\r\n`).join("")}${end}`;

async function startEcho() {
  const { port } = await startHttpBackend((request, response) =>
    response.end(JSON.stringify(request.rawHeaders)),
  );
  return port;
}

function headersOf(answer: string): Record<string, string[]> {
  const lines = JSON.parse(answer.slice(answer.indexOf("\r\n\r\n"))) as string[];
  const found: Record<string, string[]> = {};
  for (let index = 0; index < lines.length; index += 2)
    (found[(lines[index] ?? "").toLowerCase()] ??= []).push(lines[index + 1] ?? "");
  return found;
}

describe("the token", () => {
  const tokenDigest = () => hash("sha256", "s3cret", "buffer");

  test("only whoever shows it passes, on every path; the replica never sees it", async () => {
    const { port, scene } = await startService([await startEcho()], { tokenDigest });
    const ask = (path: string, ...lines: string[]) => exchangeRaw(port, get(path, ...lines));
    for (const path of ["/", "/health", "/metrics"]) {
      for (const shown of [
        [],
        ["Authorization: Bearer wrong"],
        ["Authorization: Basic s3cret"],
        ["Authorization: Bearer"],
        ["Authorization: s3cret"],
        ["Authorization: Bearer s3cret", "Authorization: Bearer s3cret"],
      ]) {
        // prettier-ignore
        const answer = await ask(path, ...shown);
        expect(answer).toMatch(/^HTTP\/1\.1 401 [^]*WWW-Authenticate: Bearer\r\n/);
        expect(JSON.parse(answer.slice(answer.indexOf("\r\n\r\n")))).toEqual({ message: expect.any(String) });
      }
      expect(await ask(path, "authorization: bearer s3cret")).toMatch(/^HTTP\/1\.1 200 /);
    }
    expect(headersOf(await ask("/", "Authorization: Bearer s3cret", "X-A: 1"))).toMatchObject({
      "x-a": ["1"],
    });
    expect(headersOf(await ask("/", "Authorization: Bearer s3cret"))).not.toHaveProperty("authorization");
    expect(scene.used).toBe(6);
  });

  test("where there is none, Authorization is the app's own", async () => {
    const { port } = await startService([await startEcho()]);
    const answer = await exchangeRaw(port, get("/", "Authorization: Basic YTpi"));
    expect(headersOf(answer)).toMatchObject({ authorization: ["Basic YTpi"] });
  });
});

describe("T5: headers", () => {
  const claims = [
    "X-Forwarded-For: 1.2.3.4", "X-Forwarded-For: 5.6.7.8", "X-Forwarded-Proto: https", "X-Forwarded-Host: evil",
    "X-Forwarded-Port: 1", "X-Forwarded-Prefix: /x", "Forwarded: for=1.2.3.4", "X_Forwarded_For: 9", "X-Real-IP: 1",
    "Remote_User: root", "Keep-Alive: 9", "TE: trailers", "Cookie: sesta_lab=1; a=b", "Proxy: x",
  ]; // prettier-ignore

  test("what a client claims of itself is replaced", async () => {
    const { port } = await startService([await startEcho()]);
    expect(headersOf(await exchangeRaw(port, get("/", ...claims)))).toEqual({
      host: ["iris.test:8080"],
      cookie: ["a=b"],
      "x-forwarded-for": ["127.0.0.1"],
      "x-forwarded-proto": ["http"],
      "x-forwarded-host": ["iris.test:8080"],
      "x-forwarded-port": [String(port)],
      forwarded: ['for=127.0.0.1;host="iris.test:8080";proto=http'],
    });
  });

  test("behind a proxy that is trusted it is added to", async () => {
    const { port } = await startService([await startEcho()], { trustForwarded: true });
    expect(headersOf(await exchangeRaw(port, get("/", ...claims)))).toEqual({
      host: ["iris.test:8080"],
      cookie: ["a=b"],
      "x-forwarded-for": ["1.2.3.4, 5.6.7.8, 127.0.0.1"],
      "x-forwarded-proto": ["https"],
      "x-forwarded-host": ["evil"],
      "x-forwarded-port": ["1"],
      forwarded: ['for=1.2.3.4, for=127.0.0.1;host="iris.test:8080";proto=http'],
    });
    expect(headersOf(await exchangeRaw(port, get("/")))).toMatchObject({ "x-forwarded-for": ["127.0.0.1"] });
  });

  test("two requests of one connection under two names are told apart", async () => {
    const { port } = await startService([await startEcho()]);
    const two = `GET / HTTP/1.1\r\nHost: one\r\n\r\nGET / HTTP/1.1\r\nHost: two\r\n${end}`;
    const answer = await exchangeRaw(port, two);
    expect(answer.match(/"X-Forwarded-Host","\w+"/g)).toEqual([
      '"X-Forwarded-Host","one"',
      '"X-Forwarded-Host","two"',
    ]);
  });
});

describe("limits", () => {
  test("a body that is too long: at once by its length, while it runs when chunked, and the connection goes on", async () => {
    let bytes = 0;
    const { port: backend } = await startHttpBackend((request, response) => {
      request.on("data", (piece: Buffer) => (bytes += piece.length)).on("end", () => response.end("ok"));
      request.on("error", () => {});
    });
    const { port } = await startService([backend], { maxBodyBytes: () => 100_000 });
    const client = openRaw(port);
    client.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100001\r\n\r\n");
    expect(await client.received("\r\n\r\n{")).toMatch(/^HTTP\/1\.1 413 /);
    expect(bytes).toBe(0);
    client.write(
      `${"x".repeat(100_001)}POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n${"x".repeat(100_000)}`,
    );
    await client.received("\r\n\r\nok");
    expect(bytes).toBe(100_000);
    const chunked = openRaw(port);
    chunked.write("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (let sent = 0; sent < 10; sent += 1) chunked.write(`2710\r\n${"x".repeat(10_000)}\r\n`);
    await expect.poll(() => bytes).toBe(200_000);
    chunked.write("1\r\nx\r\n");
    expect(await chunked.received("\r\n\r\n{")).toMatch(/^HTTP\/1\.1 413 /);
    chunked.write(`1\r\nx\r\n0\r\n\r\n${get("/after")}`);
    expect(await chunked.closed()).toMatch(/\r\n\r\nok$/);
  });

  test("Expect: 100-continue is not asked for a body that is too long", async () => {
    const { port } = await startService([await startEcho()], { maxBodyBytes: () => 10 });
    const head = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n`;
    const client = openRaw(port);
    client.write(head);
    expect(await client.received("{")).toMatch(/^HTTP\/1\.1 413 /);
  });

  test("heads that are too large, and what is no HTTP, are counted too", async () => {
    const { port, door } = await startService([]);
    expect(await exchangeRaw(port, get("/", `X: ${"a".repeat(17_000)}`))).toMatch(/^HTTP\/1\.1 431 /);
    expect(await exchangeRaw(port, "nonsense\r\n\r\n")).toMatch(/^HTTP\/1\.1 400 /);
    expect(await exchangeRaw(port, get("//elsewhere/"))).toMatch(/^HTTP\/1\.1 400 /);
    expect(door.metrics()).toContain('sesta_requests_total{service="iris",code="431",method="other"} 1\n');
    expect(door.metrics()).toContain('sesta_requests_total{service="iris",code="400",method="other"} 2\n');
  });

  test("a replica that does not begin to answer: 504, and one that has begun may take for ever", async () => {
    const { port: backend, sockets } = await startRawBackend((socket) =>
      onHeads(socket, (head) => {
        if (head.startsWith("GET /stream"))
          socket.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
      }),
    );
    const { port, door, balancer } = await startService([backend], { responseMs: () => 300 });
    const stream = openRaw(port);
    stream.write(get("/stream"));
    await stream.received("event-stream");
    expect(await exchangeRaw(port, get("/silent"))).toMatch(/^HTTP\/1\.1 504 [^]*"message"/);
    sockets[0]?.write("data: 1\n\n");
    await stream.received("data: 1\n\n");
    expect(door.metrics()).toContain('sesta_upstream_failures_total{service="iris",reason="silent"} 1\n');
    expect(balancer.replicas()).toMatchObject([{ failures: 1, inFlight: 1 }]);
  });

  test("the time to answer begins when the whole request is there", async () => {
    const { port: backend } = await startHttpBackend((request, response) => {
      request.resume().on("end", () => response.end("ok"));
    });
    const { port } = await startService([backend], { responseMs: () => 300 });
    const client = openRaw(port);
    client.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n");
    const drip = setInterval(() => client.write("x"), 150);
    await client.received("\r\n\r\nok").finally(() => clearInterval(drip));
  });
});

test("L7: heads that do not come are cut, and hold up nobody meanwhile", async () => {
  const { port, door, balancer } = await startService([await startEcho()], { limits: { headersMs: 400 } });
  const slow = Array.from({ length: 100 }, () => {
    const client = openRaw(port);
    client.write("GET / HTTP/1.1\r\nHost: a\r\nX-Drip: ");
    const drip = setInterval(() => client.write("x"), 100);
    return client.closed().finally(() => clearInterval(drip));
  });
  for (let count = 0; count < 20; count += 1)
    expect(await exchangeRaw(port, get("/"))).toMatch(/^HTTP\/1\.1 200 /);
  for (const answer of await Promise.all(slow)) expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  expect(door.metrics()).toContain('{service="iris",code="408",method="other"} 100\n');
  expect(balancer.inFlight()).toBe(0);
});

test("a reader that is slow holds up its own replica's answer only, and loses nothing of it", async () => {
  const total = 32_000_000;
  const { port: backend } = await startHttpBackend((request, response) =>
    response.end(request.url === "/large" ? Buffer.alloc(total, "x") : "ok"),
  );
  const { port } = await startService([backend]);
  const client = openRaw(port);
  let received = 0;
  client.socket.removeAllListeners("data");
  client.socket.pause();
  client.write(get("/large"));
  for (let count = 0; count < 20; count += 1)
    expect(await exchangeRaw(port, get("/"))).toMatch(/\r\n\r\nok$/);
  client.socket.on("data", (bytes: Buffer) => (received += bytes.length));
  client.socket.resume();
  await client.closed();
  expect(received).toBeGreaterThan(total);
});

test("events arrive one by one, as the app writes them", async () => {
  let next: (() => void) | undefined;
  const { port: backend } = await startHttpBackend((_request, response) => {
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    let count = 0;
    next = () => void response.write(`data: ${(count += 1)}\n\n`);
    next();
  });
  const { port } = await startService([backend]);
  const client = openRaw(port);
  client.write("GET /events HTTP/1.1\r\nHost: a\r\n\r\n");
  for (let count = 1; count <= 5; count += 1) {
    await client.received(`data: ${count}\n\n`);
    next?.();
  }
});

test("requests are spread over the replicas, and counted on each", async () => {
  const hits = [0, 0];
  const ports = await Promise.all(
    hits.map(async (_, index) => {
      const { port } = await startHttpBackend((_request, response) => {
        hits[index] = (hits[index] ?? 0) + 1;
        response.end();
      });
      return port;
    }),
  );
  const { port, balancer, scene } = await startService(ports);
  for (let sent = 0; sent < 10; sent += 1) await exchangeRaw(port, get("/"));
  expect(hits).toEqual([5, 5]);
  expect(balancer.replicas()).toMatchObject([
    { requests: 5, inFlight: 0 },
    { requests: 5, inFlight: 0 },
  ]);
  expect(balancer.inFlight()).toBe(0);
  expect(scene.used).toBe(20);
});

describe("WebSockets", () => {
  async function startSockets() {
    const echo = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
    await once(echo, "listening");
    echo.on("connection", (socket) => socket.on("message", (data) => socket.send(data)));
    const { port } = echo.address() as { port: number };
    return { echo, backend: port };
  }

  test("from any origin; they count as in flight, for drain too, which cuts what is left", async () => {
    const { echo, backend } = await startSockets();
    const { port, balancer, door } = await startService([backend]);
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, { origin: "http://elsewhere.test" });
    await once(socket, "open");
    socket.send("hello");
    expect(String((await once(socket, "message"))[0])).toBe("hello");
    expect(balancer.inFlight()).toBe(1);
    expect(door.metrics()).toContain('sesta_websockets_open{service="iris"} 1\n');
    balancer.route([]);
    const closed = once(socket, "close");
    expect(await balancer.drain("r0", 50)).toBe(1);
    await closed;
    expect(balancer.inFlight()).toBe(0);
    expect(balancer.replicas()).toEqual([]);
    expect(door.metrics()).toContain('sesta_websockets_open{service="iris"} 0\n');
    echo.close();
  });

  test("one that ends by itself ends the drain", async () => {
    const { echo, backend } = await startSockets();
    const { port, balancer } = await startService([backend]);
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`);
    await once(socket, "open");
    const drained = balancer.drain("r0", 60_000);
    socket.close();
    expect(await drained).toBe(0);
    echo.close();
  });

  test("L5: handshakes to a dead replica: 502 each, nothing stays", async () => {
    const dead = createServer();
    const backend = await listen(dead);
    dead.close();
    const { port, balancer } = await startService([backend]);
    const upgrade = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    expect(await exchangeRaw(port, upgrade)).toMatch(/^HTTP\/1\.1 502 /);
    expect(balancer.inFlight()).toBe(0);
    expect(balancer.replicas()).toMatchObject([{ inFlight: 0, failures: 1 }]);
  });
});

describe("drain", () => {
  test("a request that is not done in time is answered 504; one that is done ends it; idle connections go", async () => {
    const { port: backend, sockets } = await startRawBackend((socket) =>
      onHeads(socket, (head) => {
        if (head.startsWith("GET /quick")) socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      }),
    );
    const { port, balancer } = await startService([backend, backend]);
    await Promise.all([1, 2, 3, 4].map(() => exchangeRaw(port, get("/quick"))));
    const slow = exchangeRaw(port, get("/slow"));
    await expect.poll(() => balancer.inFlight()).toBe(1);
    const [busy] = balancer.replicas().filter(({ inFlight }) => inFlight > 0);
    expect(await balancer.drain(busy?.id ?? "", 100)).toBe(1);
    expect(await slow).toMatch(/^HTTP\/1\.1 504 [^]*"iris was stopped/);
    const ended = sockets.map((socket) => socket.readableEnded || once(socket, "end"));
    balancer.route([]);
    await Promise.all(ended);
  });
});
