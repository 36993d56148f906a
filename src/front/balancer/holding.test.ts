// Requests for a service that is not awake: held while it wakes, within limits, and what probes get meanwhile.
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { createFakeClock } from "../../../test/support/fake-clock.ts";
import { exchangeRaw, openRaw, startHttpBackend } from "../../../test/support/door.ts";
import { replicaOn, startService, type TestServiceOptions } from "../../../test/support/service-door.ts";

const get = (path: string, ...lines: string[]) =>
  `GET ${path} HTTP/1.1\r\nHost: a\r\n${lines.map((line) => `${line}\r\n`).join("")}Connection: close\r\n\r\n`;

async function startAsleep(options: TestServiceOptions = {}) {
  const bodies: string[] = [];
  const { port: backend } = await startHttpBackend((request, response) => {
    let body = "";
    request.on("data", (piece) => (body += String(piece)));
    request.on("end", () => {
      bodies.push(body);
      response.end("awake");
    });
  });
  const service = await startService([], options);
  service.become("asleep");
  const wakeUp = () => {
    service.balancer.route([replicaOn(backend, "r")]);
    service.become("awake");
  };
  return { ...service, wakeUp, bodies };
}

function jsonOf(answer: string) {
  return JSON.parse(answer.slice(answer.indexOf("\r\n\r\n"))) as unknown;
}

describe("while it wakes", () => {
  test("requests are held, with their bodies, and go on in the end", async () => {
    const { port, scene, balancer, door, become, wakeUp, bodies } = await startAsleep();
    const body = "x".repeat(300_000);
    const asked = [
      exchangeRaw(port, get("/")),
      exchangeRaw(
        port,
        `POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      ),
      exchangeRaw(port, `GET /1 HTTP/1.1\r\nHost: a\r\n\r\n${get("/2")}`),
    ];
    await expect.poll(() => balancer.inFlight()).toBe(3);
    expect(scene.wakes).toBe(3);
    expect(door.metrics()).toContain('sesta_requests_held{service="iris"} 3\n');
    become("waking", "A request came.");
    wakeUp();
    const answers = await Promise.all(asked);
    expect(answers.map((answer) => answer.match(/\r\n\r\nawake/g)?.length)).toEqual([1, 1, 2]);
    expect(bodies.map(({ length }) => length).toSorted((a, b) => a - b)).toEqual([0, 0, 0, 300_000]);
    expect(balancer.inFlight()).toBe(0);
    expect(door.metrics()).toContain('sesta_requests_held{service="iris"} 0\n');
  });

  test("a WebSocket too", async () => {
    const echo = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    await once(echo, "listening");
    echo.on("connection", (socket) => socket.send("hello"));
    const { port, balancer, become } = await startAsleep();
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
    await expect.poll(() => balancer.inFlight()).toBe(1);
    const heard = once(socket, "message");
    balancer.route([replicaOn((echo.address() as { port: number }).port, "r")]);
    become("awake");
    expect(String((await heard)[0])).toBe("hello");
    socket.terminate();
    await expect.poll(() => balancer.inFlight()).toBe(0);
    echo.close();
  });

  test("not for ever: 503 with the state", async () => {
    const clock = createFakeClock();
    const { port, balancer, become } = await startAsleep({ clock, holdMs: () => 20_000 });
    const asked = exchangeRaw(port, get("/"));
    await expect.poll(() => balancer.inFlight()).toBe(1);
    become("waking", "A request came.");
    await clock.advance(20_000);
    const answer = await asked;
    expect(answer).toMatch(/^HTTP\/1\.1 503 [^]*\r\nRetry-After: 5\r\n/);
    expect(jsonOf(answer)).toEqual({ message: "iris is waking: A request came.", state: "waking" });
    expect(balancer.inFlight()).toBe(0);
  });

  test("not when it failed, before or meanwhile, nor when the wake is refused", async () => {
    const { port, balancer, become, scene } = await startAsleep();
    const asked = exchangeRaw(port, get("/"));
    await expect.poll(() => balancer.inFlight()).toBe(1);
    become("failed", "It ended with 1.");
    expect(await asked).toMatch(/^HTTP\/1\.1 503 [^]*"iris is failed: It ended with 1\."/);
    expect(await exchangeRaw(port, get("/"))).toMatch(/^HTTP\/1\.1 503 [^]*Retry-After: 60/);
    become("absent");
    expect(jsonOf(await exchangeRaw(port, get("/")))).toEqual({
      message: "iris is absent.",
      state: "absent",
    });
    expect(scene.wakes).toBe(1);
    const refusing = await startAsleep({ wake: () => Promise.reject(new Error("The disk is full.")) });
    expect(jsonOf(await exchangeRaw(refusing.port, get("/")))).toEqual({
      message: "iris is asleep: The disk is full.",
      state: "asleep",
    });
    expect(refusing.balancer.inFlight()).toBe(0);
  });

  test("only so many at once", async () => {
    const { port, balancer, wakeUp } = await startAsleep({ maxHeld: () => 2 });
    const held = [exchangeRaw(port, get("/")), exchangeRaw(port, get("/"))];
    await expect.poll(() => balancer.inFlight()).toBe(2);
    expect(await exchangeRaw(port, get("/"))).toMatch(/^HTTP\/1\.1 503 [^]*too many/);
    wakeUp();
    for (const answer of await Promise.all(held)) expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  });

  test("whoever goes away is let go, and asks nothing of the replica later", async () => {
    const { port, balancer, wakeUp, bodies, door } = await startAsleep();
    const client = openRaw(port);
    client.write(get("/"));
    const upgrading = openRaw(port);
    upgrading.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    await expect.poll(() => balancer.inFlight()).toBe(2);
    client.socket.destroy();
    upgrading.socket.end();
    await expect.poll(() => balancer.inFlight()).toBe(0);
    wakeUp();
    expect(await exchangeRaw(port, get("/"))).toMatch(/awake$/);
    expect(bodies).toHaveLength(1);
    expect(door.metrics()).toContain('{service="iris",code="499",method="GET"} 2\n');
  });

  test("awake without a replica, as between a crash and the next start: held without a wake", async () => {
    const { port, balancer, wakeUp, become, scene } = await startAsleep();
    become("awake");
    const asked = exchangeRaw(port, get("/"));
    await expect.poll(() => balancer.inFlight()).toBe(1);
    wakeUp();
    expect(await asked).toMatch(/awake$/);
    expect(scene.wakes).toBe(0);
  });

  test("going to sleep: requests pass as long as there is a replica, and take it back", async () => {
    const { port, wakeUp, become, scene } = await startAsleep();
    wakeUp();
    become("sleeping");
    expect(await exchangeRaw(port, get("/"))).toMatch(/awake$/);
    expect(scene.wakes).toBe(1);
  });

  test("asleep after all: it is woken again for those who still wait", async () => {
    const { port, balancer, wakeUp, become, scene } = await startAsleep();
    become("sleeping");
    const asked = exchangeRaw(port, get("/"));
    await expect.poll(() => balancer.inFlight()).toBe(1);
    become("asleep");
    expect(scene.wakes).toBe(2);
    wakeUp();
    expect(await asked).toMatch(/awake$/);
  });
});

test("probes neither count nor wake nor wait; while it is not awake they get its state", async () => {
  const { port, balancer, scene, wakeUp, become } = await startAsleep();
  const { used } = scene;
  expect(jsonOf(await exchangeRaw(port, get("/health")))).toEqual({
    message: "iris is asleep.",
    state: "asleep",
  });
  become("waking");
  expect(await exchangeRaw(port, get("/health?x=1"))).toMatch(/^HTTP\/1\.1 503 [^]*"waking"/);
  become("awake");
  expect(await exchangeRaw(port, get("/health"))).toMatch(/^HTTP\/1\.1 503 [^]*no replica/);
  wakeUp();
  expect(await exchangeRaw(port, get("/health"))).toMatch(/awake$/);
  expect(await exchangeRaw(port, get("/metrics"))).toMatch(/^HTTP\/1\.1 200 [^]*version=0\.0\.4/);
  expect({ wakes: scene.wakes, used: scene.used - used, inFlight: balancer.inFlight() }).toEqual({
    wakes: 0,
    used: 0,
    inFlight: 0,
  });
  become("asleep");
  balancer.route([]);
  const asked = exchangeRaw(port, get("/healthy")); // another path
  await expect.poll(() => scene.wakes).toBe(1);
  wakeUp();
  await asked;
});
