// WebSockets through the door: echo, handshake, refusal, and what counts as use.
import { once } from "node:events";
import { createHash } from "node:crypto";
import { describe, expect, onTestFinished, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { createFakeClock } from "../../../test/support/fake-clock.ts";
import {
  listen,
  onHeads,
  openRaw,
  startDoor,
  startHttpBackend,
  startRawBackend,
} from "../../../test/support/door.ts";
import { createServer } from "node:net";

const handshake = (path = "/ws", ...lines: string[]) =>
  [
    `GET ${path} HTTP/1.1`,
    "Host: lab.test",
    "Connection: keep-alive, Upgrade",
    "Upgrade: WebSocket",
    ...lines,
    "",
    "",
  ].join("\r\n");
const accepted = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";

/** Echoes every message. */
async function startEcho(options: { perMessageDeflate?: boolean } = {}) {
  const { port, server } = await startHttpBackend((_request, response) => response.end());
  const echo = new WebSocketServer({ server, ...options });
  echo.on("connection", (socket) =>
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary })),
  );
  return { port, echo };
}

async function openWebSocket(port: number, options: WebSocket.ClientOptions = {}): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, "kernel.v1", options);
  onTestFinished(() => socket.terminate());
  await once(socket, "open");
  return socket;
}

describe("WebSockets", () => {
  test("echo through the door: text, binary, compressed, and one of 5 MB", async () => {
    const { port: backend } = await startEcho({ perMessageDeflate: true });
    const { port } = await startDoor(backend);
    const socket = await openWebSocket(port);
    expect(socket.protocol).toBe("kernel.v1");
    expect(socket.extensions).toContain("permessage-deflate");
    for (const message of [Buffer.from("hello"), Buffer.alloc(200_000, "ab"), Buffer.alloc(5_000_000, "c")]) {
      socket.send(message);
      const [data] = (await once(socket, "message")) as [Buffer];
      expect(data.equals(message)).toBe(true);
    }
    const closed = once(socket, "close");
    socket.close(4001, "done");
    expect((await closed)[0]).toBe(4001);
  });

  test("T5: the handshake that goes upstream follows the same header rules, and so does the answer", async () => {
    let seen = "";
    const { port: backend } = await startRawBackend((socket) =>
      onHeads(socket, (head) => {
        seen = head;
        socket.write(
          `${accepted}Sec-WebSocket-Accept: x\r\nKeep-Alive: 5\r\nSet-Cookie: sesta_lab=evil\r\nSet-Cookie: a=1\r\n\r\n`,
        );
      }),
    );
    const { port, decided } = await startDoor(backend);
    const client = openRaw(port);
    client.write(
      handshake(
        "/ws?x=1",
        "Sec-WebSocket-Key: k",
        "Authorization: mine",
        "X_Forwarded_For: 9",
        "Cookie: sesta_lab=1; a=b",
      ),
    );
    expect(await client.received("\r\n\r\n")).toBe(
      "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: x\r\nSet-Cookie: a=1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    );
    expect(seen.split("\r\n").toSorted()).toEqual(
      [
        "GET /ws?x=1 HTTP/1.1", "Host: lab.test", "Sec-WebSocket-Key: k", "Cookie: a=b", "Connection: Upgrade", "Upgrade: websocket",
        "X-Forwarded-For: 127.0.0.1", "X-Forwarded-Proto: http", "X-Forwarded-Host: lab.test", "Authorization: token injected", "", "",
      ].toSorted(),
    ); // prettier-ignore
    expect(decided).toMatchObject([{ upgrade: true, target: "/ws?x=1" }]);
  });

  test("T6: refused before anything is dialled; local pages answer too", async () => {
    const { port: backend, sockets } = await startRawBackend(() => {});
    const { port } = await startDoor(backend, {
      decide: ({ target }) =>
        target === "/local"
          ? { kind: "local" }
          : { kind: "refuse", status: 403, body: "no", contentType: "text/plain" },
    });
    for (const [path, expected] of [
      ["/ws", /^HTTP\/1\.1 403 [^]*Connection: close[^]*no$/],
      ["/local", /^HTTP\/1\.1 200 [^]*local/],
    ] as const) {
      const client = openRaw(port);
      client.write(handshake(path));
      expect(await client.closed()).toMatch(expected);
    }
    expect(sockets).toHaveLength(0);
  });

  test("any answer but 101 is relayed, then closed: no tunnel is left behind", async () => {
    const { port: backend, sockets } = await startRawBackend((socket) =>
      onHeads(socket, () => socket.write("HTTP/1.1 426 Upgrade Required\r\nContent-Length: 3\r\n\r\nold")),
    );
    const { port } = await startDoor(backend);
    const client = openRaw(port);
    client.write(`${handshake("/ws", "Sec-WebSocket-Version: 9")}GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n`);
    expect(await client.closed()).toMatch(/^HTTP\/1\.1 426 Upgrade Required\r\n[^]*\r\n\r\nold$/);
    expect(sockets).toHaveLength(1);
  });

  test("101 without WebSocket is no WebSocket", async () => {
    const { port: backend } = await startRawBackend((socket) =>
      onHeads(socket, () => socket.write("HTTP/1.1 101 OK\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")),
    );
    const { port } = await startDoor(backend);
    const client = openRaw(port);
    client.write(handshake());
    expect(await client.closed()).toMatch(/^HTTP\/1\.1 502 /);
  });

  test("what either side sends early is not lost", async () => {
    const { port: backend } = await startRawBackend((socket) => {
      let head = false;
      socket.on("data", (bytes) => {
        if (head) socket.write(`echo ${bytes.toString()}`);
        else socket.write(`${accepted}\r\nfirst `);
        head = true;
      });
    });
    const { port } = await startDoor(backend);
    const client = openRaw(port);
    client.write(`${handshake()}early`);
    expect(await client.received("echo early")).toContain("\r\n\r\nfirst echo early");
  });

  test("half-close: what the other side still has to say arrives", async () => {
    const { port: backend } = await startRawBackend((socket) => {
      onHeads(socket, () => socket.write(`${accepted}\r\n`));
      socket.on("end", () => socket.end("last words"));
    });
    const { port } = await startDoor(backend);
    const client = openRaw(port);
    client.write(handshake());
    await client.received("\r\n\r\n");
    client.socket.end();
    expect(await client.closed()).toMatch(/last words$/);
  });

  test("T17: dropSessions ends open sockets at once, on both sides", async () => {
    const { port: backend, echo } = await startEcho();
    const { door, port } = await startDoor(backend);
    const socket = await openWebSocket(port);
    const [there] = echo.clients;
    const closed = Promise.all([once(socket, "close"), there && once(there, "close")]);
    door.dropSessions((session) => session === "other");
    socket.send("still here");
    await once(socket, "message");
    door.dropSessions((session) => session === "s1");
    expect((await closed)[0]?.[0]).toBe(1006);
  });

  test("a backend that dies is noticed by the client, and the other way round", async () => {
    const { port: backend, echo } = await startEcho();
    const { port } = await startDoor(backend);
    const one = await openWebSocket(port);
    const oneClosed = once(one, "close");
    for (const there of echo.clients) there.terminate();
    await oneClosed;
    const two = await openWebSocket(port);
    const [there] = echo.clients;
    const thereClosed = there && once(there, "close");
    two.terminate();
    await thereClosed;
  });

  test("a client that leaves before the answer takes its upstream connection with it", async () => {
    let gone: Promise<unknown> | undefined;
    const { port: backend, sockets } = await startRawBackend((socket) => {
      gone = once(socket, "close");
      socket.on("end", () => socket.end()).resume();
    });
    const { port } = await startDoor(backend);
    const client = openRaw(port);
    client.write(handshake());
    await expect.poll(() => sockets.length).toBe(1);
    client.socket.end();
    await gone;
  });

  test("used: for data frames of the client, at most once a second", async () => {
    const clock = createFakeClock();
    const used: string[] = [];
    const { port: backend } = await startEcho();
    const { port } = await startDoor(backend, { clock, used: (session) => used.push(session) });
    const socket = await openWebSocket(port);
    const say = async () => {
      socket.send("x");
      await once(socket, "message");
    };
    socket.ping();
    await once(socket, "pong");
    expect(used).toEqual([]);
    await say();
    await say();
    expect(used).toEqual(["s1"]);
    await clock.advance(1_000);
    await say();
    expect(used).toEqual(["s1", "s1"]);
  });

  test("a reader that stops holds up only its own sender", async () => {
    let sent = 0;
    const { port: backend } = await startRawBackend((socket) =>
      onHeads(socket, () => {
        socket.write(`${accepted}\r\n`);
        const more = () => {
          while (!socket.destroyed && sent < 64_000_000) {
            sent += 65_536;
            if (!socket.write(Buffer.alloc(65_536, "x"))) return void socket.once("drain", more);
          }
          socket.end("over");
        };
        more();
      }),
    );
    const { port } = await startDoor(backend);
    const client = openRaw(port);
    const hash = createHash("sha256");
    let received = 0;
    client.socket.removeAllListeners("data");
    client.write(handshake());
    client.socket.pause();
    let before = -1;
    // The sender comes to a stand before it has sent everything.
    await expect.poll(() => before === (before = sent), { interval: 200, timeout: 10_000 }).toBe(true);
    expect(sent).toBeLessThan(40_000_000);
    client.socket.on("data", (bytes: Buffer) => {
      received += bytes.length;
      hash.update(bytes);
    });
    client.socket.resume();
    await client.closed();
    expect(received).toBeGreaterThan(64_000_000);
  });
});

const failures = process.env["SESTA_FULL"] ? 10_000 : 500;
test(`L5: ${failures} failed handshakes to a dead backend: 502 each, the process lives`, async () => {
  const dead = createServer();
  const backend = await listen(dead);
  dead.close();
  const { port, failed } = await startDoor(backend);
  let refused = 0;
  const one = async () => {
    const client = openRaw(port);
    client.write(handshake());
    if ((await client.closed()).startsWith("HTTP/1.1 502 ")) refused += 1;
  };
  for (let done = 0; done < failures; done += 50) await Promise.all(Array.from({ length: 50 }, one));
  expect(refused).toBe(failures);
  expect(failed).toHaveLength(failures);
});
