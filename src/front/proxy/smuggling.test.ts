// Requests that two parsers would read differently, over raw sockets: nothing of them reaches an upstream.
import fc from "fast-check";
import { createServer, type IncomingMessage } from "node:http";
import { createServer as createNetServer } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  exchangeRaw,
  listen,
  onHeads,
  openRaw,
  startDoor,
  startRawBackend,
} from "../../../test/support/door.ts";
import {
  brokenBodies,
  buildGet as get,
  buildPost as post,
  hostLine as host,
  refusedRequests,
} from "../../../test/support/smuggling-corpus.ts";

/** A backend that answers every head, and a listener that no request may ever reach. */
async function startScene() {
  const heads: string[] = [];
  const backend = await startRawBackend((socket) =>
    onHeads(socket, (head) => {
      heads.push(head);
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    }),
  );
  let canaryHits = 0;
  const canary = createNetServer((socket) => {
    canaryHits += 1;
    socket.destroy();
  });
  const canaryPort = await listen(canary);
  onTestFinished(() => void canary.close());
  const { port, decided } = await startDoor(backend.port);
  return { port, decided, heads, backend, canaryPort, hits: () => canaryHits };
}

describe("T5: what is refused before anything is dialled", () => {
  test.each(refusedRequests)("%s", async (_what, bytes, status) => {
    const { port, decided, heads, backend, canaryPort, hits } = await startScene();
    const sent = typeof bytes === "string" ? bytes : bytes(canaryPort);
    // What follows in the same bytes must not be taken for a request either.
    const answer = await exchangeRaw(port, `${sent}GET /smuggled HTTP/1.1\r\nHost: door.test\r\n\r\n`);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer).toMatch(/Connection: close/i);
    expect(answer.match(/^HTTP\/1\.1 /gm)).toHaveLength(1);
    expect(JSON.parse(answer.slice(answer.indexOf("\r\n\r\n")))).toEqual({ message: expect.any(String) });
    expect({ decided, heads, dials: backend.sockets.length, hits: hits() }).toEqual({
      decided: [],
      heads: [],
      dials: 0,
      hits: 0,
    });
  });
});

describe("T5: bodies whose framing breaks", () => {
  test.each(brokenBodies)(
    "%s: 400, closed, and the upstream never sees the end of the request",
    async (_what, body) => {
      let upstream = "";
      const closed: Promise<void>[] = [];
      const backend = await startRawBackend((socket) => {
        socket.on("data", (bytes) => (upstream += bytes.toString("latin1")));
        closed.push(new Promise((resolve) => socket.on("close", () => resolve())));
        socket.on("end", () => socket.end());
      });
      const { port } = await startDoor(backend.port);
      const answer = await exchangeRaw(
        port,
        `${post(body, "Transfer-Encoding: chunked")}GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n`,
      );
      expect(answer).toMatch(/^HTTP\/1\.1 400 /);
      await Promise.all(closed);
      expect(upstream).not.toContain("smuggled");
      expect(upstream).not.toContain("\r\n0\r\n\r\n");
      expect(backend.sockets.length).toBeLessThanOrEqual(1);
    },
  );

  test("garbage behind an answered request is never answered in the place of another", async () => {
    const backend = await startRawBackend(() => {});
    const { port } = await startDoor(backend.port);
    expect(await exchangeRaw(port, `${get("/slow", host)}garbage\r\n\r\n`)).toBe("");
  });
});

describe("T5: one request in is one request out", () => {
  test("requests sent without waiting go upstream one after the other, in order", async () => {
    const { port, heads, backend } = await startScene();
    const answer = await exchangeRaw(
      port,
      get("/1", host) + get("/2", host) + get("/3", host, "Connection: close"),
    );
    expect(heads.map((head) => head.split(" ")[1])).toEqual(["/1", "/2", "/3"]);
    expect(answer.match(/HTTP\/1\.1 200/g)).toHaveLength(3);
    expect(backend.sockets).toHaveLength(1);
  });

  test("a body is framed anew: what looks like a request inside it stays inside it", async () => {
    const { port, heads } = await startScene();
    const inner = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    const chunk = `${inner.length.toString(16)};ext=1\r\n${inner}\r\n0\r\nX-Trailer: 1\r\n\r\n`;
    const backend = await startRawBackend((socket) => {
      let text = "";
      socket.on("data", (bytes) => {
        text += bytes.toString("latin1");
        if (text.endsWith("\r\n0\r\n\r\n"))
          socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`);
      });
    });
    const { port: other } = await startDoor(backend.port);
    const answer = await exchangeRaw(other, post(chunk, "Transfer-Encoding: chunked", "Connection: close"));
    expect(answer).toContain(`\r\n\r\n${inner.length.toString(16)}\r\n${inner}\r\n0\r\n\r\n`);
    expect(answer).not.toMatch(/ext=1|X-Trailer/);
    await exchangeRaw(
      port,
      post(inner, `Content-Length: ${inner.length}`) + get("/", host, "Connection: close"),
    );
    expect(heads.filter((head) => head.startsWith("GET /smuggled"))).toHaveLength(1); // the backend here reads no bodies
  });

  test("a response that holds a second one poisons nothing", async () => {
    let count = 0;
    const backend = await startRawBackend((socket) =>
      onHeads(socket, () => {
        count += 1;
        socket.write(
          `HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n${count}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`,
        );
      }),
    );
    const { port } = await startDoor(backend.port);
    const answer = await exchangeRaw(port, get("/", host) + get("/", host, "Connection: close"));
    expect(answer).not.toContain("evil");
    expect(answer.match(/\r\n\r\n\d/g)).toEqual(["\r\n\r\n1", "\r\n\r\n2"]);
    expect(backend.sockets).toHaveLength(2);
  });

  // An idle connection would be let go after 15 s anyway; this must not take so long.
  test("bytes on an idle upstream connection end it", { timeout: 5_000 }, async () => {
    const backend = await startRawBackend((socket) =>
      onHeads(socket, () => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")),
    );
    const { port } = await startDoor(backend.port);
    await exchangeRaw(port, get("/", host, "Connection: close"));
    const [first] = backend.sockets;
    const ended = new Promise((resolve) => first?.on("close", resolve));
    first?.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
    first?.on("end", () => first.end());
    await ended;
    expect(await exchangeRaw(port, get("/", host, "Connection: close"))).not.toContain("evil");
    expect(backend.sockets).toHaveLength(2);
  });

  test("h2c and other upgrades are ordinary requests", async () => {
    const { port, heads } = await startScene();
    const upgrade = get(
      "/",
      host,
      "Connection: Upgrade, HTTP2-Settings",
      "Upgrade: h2c",
      "HTTP2-Settings: AAMAAABk",
    );
    const client = openRaw(port);
    client.write(upgrade);
    await client.received("\r\n\r\nok");
    expect(heads).toHaveLength(1);
    expect(heads[0]).not.toMatch(/upgrade|http2-settings|connection/i);
  });
});

test("T5: whatever goes in, each head that comes out is one that a strict parser reads the same way", async () => {
  const heads: string[] = [];
  const backend = await startRawBackend((socket) =>
    onHeads(socket, (head) => {
      heads.push(head);
      socket.write("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
    }),
  );
  const { port, decided } = await startDoor(backend.port);
  const seen: IncomingMessage[] = [];
  const strict = createServer((request, response) => {
    seen.push(request);
    response.end();
  });
  const strictPort = await listen(strict);
  onTestFinished(() => void strict.close());

  const line = fc.constantFrom(
    "Host: a", "Host: b", "Host:", "Content-Length: 0", "Content-Length: 5", "Transfer-Encoding: chunked", "Connection: close",
    "Connection: host, cookie", "X_Forwarded_For: 1", "X-Forwarded-For: 1", "Cookie: sesta_lab=1; a=2", "Cookie: b=3", "X: \xff",
    "Upgrade: websocket", "Connection: Upgrade", "Expect: 100-continue", " folded", "Bad Name: 1", "X:\t1 ", "Authorization: mine",
  ); // prettier-ignore
  const head = fc.record({
    target: fc.constantFrom("/", "/a?b=c", "//a", "http://a/", "/a#b", "*"),
    lines: fc.array(line, { maxLength: 7 }),
    ending: fc.constantFrom("\r\n", "\r\n", "\r\n", "\r\n", "\n"),
  });
  await fc.assert(
    fc.asyncProperty(head, async ({ target, lines, ending }) => {
      heads.length = decided.length = seen.length = 0;
      await exchangeRaw(
        port,
        ["GET " + target + " HTTP/1.1", "Host: a", ...lines, "Connection: close", "", ""].join(ending),
      );
      expect(heads.length).toBeLessThanOrEqual(1);
      const [out] = heads;
      if (out === undefined) return;
      expect(decided).toHaveLength(1);
      expect(out).not.toMatch(/sesta_|mine|[^\r]\n|_forwarded_/i);
      await exchangeRaw(strictPort, out.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
      expect(seen).toHaveLength(1);
      const { headersDistinct } = seen[0] ?? {};
      expect(headersDistinct).toMatchObject({
        host: ["a"],
        authorization: ["token injected"],
        "x-forwarded-for": ["127.0.0.1"],
      });
      expect(seen[0]?.url).toBe(target);
    }),
    { numRuns: 150 },
  );
});
