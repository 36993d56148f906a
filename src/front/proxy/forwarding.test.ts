// Requests through the door to a real upstream: headers, decisions, bodies, failures.
import { once } from "node:events";
import { request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import {
  exchangeRaw,
  onHeads,
  openRaw,
  startDoor,
  startHttpBackend,
  startRawBackend,
} from "../../../test/support/door.ts";
import type { Decision } from "./door.ts";

type Answer = {
  status: number | undefined;
  headers: IncomingMessage["headers"];
  body: string;
  response: IncomingMessage;
};

async function ask(
  port: number,
  path: string,
  options: RequestOptions = {},
  body?: string | Buffer,
): Promise<Answer> {
  const request = httpRequest({ port, host: "127.0.0.1", path, agent: false, ...options });
  request.end(body);
  const [response] = (await once(request, "response")) as [IncomingMessage];
  const pieces: Buffer[] = [];
  for await (const piece of response) pieces.push(piece as Buffer);
  return {
    status: response.statusCode,
    headers: response.headers,
    body: Buffer.concat(pieces).toString("latin1"),
    response,
  };
}

describe("T5, T6: headers", () => {
  test("to the upstream: identity and hop-by-hop go, the door's own come", async () => {
    const { port: backend } = await startHttpBackend((request, response) =>
      response.end(JSON.stringify(request.rawHeaders)),
    );
    const { port } = await startDoor(backend);
    const { body } = await ask(port, "/", {
      headers: {
        Host: "lab.test:8471",
        Authorization: "Bearer mine",
        "X-Forwarded-For": "1.2.3.4",
        X_Forwarded_For: "1.2.3.4",
        "X-Forwarded-Proto": "https",
        Forwarded: "for=1.2.3.4",
        REMOTE_USER: "root",
        Remote_User: "root",
        Connection: "keep-alive, X-Private",
        "X-Private": "1",
        "Keep-Alive": "300",
        "Proxy-Authorization": "x",
        TE: "trailers",
        Cookie: "_xsrf=2; sesta_lab=secret; __Host-sesta_lab=secret; a=b",
        "X-Custom": "kept",
      },
    });
    expect(JSON.parse(body)).toEqual([
      "Host", "lab.test:8471", "X-Custom", "kept", "Cookie", "_xsrf=2; a=b", "X-Forwarded-For", "127.0.0.1",
      "X-Forwarded-Proto", "http", "X-Forwarded-Host", "lab.test:8471", "Authorization", "token injected",
    ]); // prettier-ignore
  });

  test("to the client: hop-by-hop and Sesta's cookies go, all others stay, repeated ones too", async () => {
    const head = "HTTP/1.1 203 So So\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=9\r\nSet-Cookie: a=1\r\n" +
      "Set-Cookie: sesta_lab=evil\r\nSet-Cookie: b=2\r\nX-Bytes: \xe9\r\nContent-Length: 2\r\n\r\nok"; // prettier-ignore
    const { port: backend } = await startRawBackend((socket) =>
      onHeads(socket, () => socket.write(head, "latin1")),
    );
    const { port } = await startDoor(backend);
    const answer = await exchangeRaw(port, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    expect(answer).toMatch(
      /^HTTP\/1\.1 203 So So\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Bytes: \xe9\r\nContent-Length: 2\r\n/,
    );
    expect(answer).not.toMatch(/X-Hop|timeout=9|evil/);
  });

  test("an injected header that could split the request is an error of the owner, not a request", async () => {
    const { port: backend, sockets } = await startRawBackend(() => {});
    const upstream = { host: "127.0.0.1", port: backend, headers: { Authorization: "a\r\nX: y" } };
    const { port } = await startDoor(backend, {
      decide: () => ({ kind: "forward", upstream, session: "s" }),
    });
    expect((await ask(port, "/")).status).toBe(500);
    expect(sockets).toHaveLength(0);
  });
});

describe("decisions", () => {
  test("refuse and local answer without a dial; an error answers 500", async () => {
    const { port: backend, sockets } = await startRawBackend(() => {});
    const decisions: Record<string, Decision> = {
      "/refuse": {
        kind: "refuse",
        status: 401,
        body: "<p>no",
        contentType: "text/html",
        headers: { "Retry-After": "3" },
      },
      "/local": { kind: "local" },
    };
    const { port } = await startDoor(backend, {
      decide({ target }) {
        const decision = decisions[target];
        if (!decision) throw new Error("no such page");
        return decision;
      },
    });
    const refused = await ask(port, "/refuse");
    expect(refused).toMatchObject({
      status: 401,
      body: "<p>no",
      headers: { "retry-after": "3", "content-type": "text/html" },
    });
    expect(await ask(port, "/refuse", { method: "HEAD" })).toMatchObject({ status: 401, body: "" });
    expect(await ask(port, "/local")).toMatchObject({ status: 200, body: "local" });
    expect(
      await ask(port, "/local", { method: "POST", headers: { Expect: "100-continue" } }, "x"),
    ).toMatchObject({ body: "local" });
    expect(await ask(port, "/else")).toMatchObject({ status: 500 });
    expect(sockets).toHaveLength(0);
  });

  test("repeated headers are joined, so that a repeated Origin equals none", async () => {
    const { port: backend } = await startHttpBackend((_request, response) => response.end());
    const { port, decided } = await startDoor(backend);
    await exchangeRaw(
      port,
      "GET / HTTP/1.1\r\nHost: A.test:1\r\nORIGIN: a\r\nOrigin: b\r\nCookie: x=1\r\nCookie: y=2\r\nConnection: close\r\n\r\n",
    );
    const [head] = decided;
    expect(["origin", "cookie", "absent"].map((name) => head?.header(name))).toEqual([
      "a, b",
      "x=1; y=2",
      undefined,
    ]);
    expect(head).toMatchObject({
      host: "A.test:1",
      remoteAddress: "127.0.0.1",
      encrypted: false,
      upgrade: false,
    });
  });
});

describe("bodies", () => {
  test("every kind of response ends where it should, on one kept connection", async () => {
    const { port: backend, server } = await startHttpBackend((request, response) => {
      if (request.url === "/204") response.writeHead(204).end();
      else if (request.url === "/304") response.writeHead(304, { "Content-Length": 99 }).end();
      else if (request.url === "/chunked") {
        response.write("one ");
        response.end("two");
      } else if (request.url === "/gzip")
        response.writeHead(200, { "Content-Encoding": "gzip" }).end(gzipSync("packed"));
      else response.writeHead(200, { "Content-Length": 5 }).end("12345");
    });
    let connections = 0;
    server.on("connection", () => (connections += 1));
    const { port } = await startDoor(backend);
    expect(await ask(port, "/length")).toMatchObject({ body: "12345", headers: { "content-length": "5" } });
    expect(await ask(port, "/length", { method: "HEAD" })).toMatchObject({
      body: "",
      headers: { "content-length": "5" },
    });
    expect(await ask(port, "/chunked", { method: "HEAD" })).toMatchObject({ status: 200, body: "" });
    expect(await ask(port, "/204")).toMatchObject({ status: 204, body: "" });
    expect(await ask(port, "/304")).toMatchObject({ status: 304, body: "" });
    expect(await ask(port, "/chunked")).toMatchObject({
      body: "one two",
      headers: { "transfer-encoding": "chunked" },
    });
    expect((await ask(port, "/gzip")).body).toBe(gzipSync("packed").toString("latin1"));
    expect(connections).toBe(1);
  });

  test("a body that ends with the connection, and an HTTP/1.0 client", async () => {
    const { port: backend } = await startRawBackend((socket) =>
      onHeads(socket, () => socket.end("HTTP/1.0 200 OK\r\n\r\nall of it")),
    );
    const { port } = await startDoor(backend);
    expect((await ask(port, "/")).body).toBe("all of it");
    const old = await exchangeRaw(port, "GET / HTTP/1.0\r\nHost: a\r\n\r\n");
    expect(old).toMatch(/\r\n\r\nall of it$/);
    expect(old).not.toMatch(/chunked/i);
  });

  test("uploads arrive byte for byte, by length and chunked", async () => {
    const { port: backend } = await startHttpBackend((request, response) => request.pipe(response));
    const { port } = await startDoor(backend);
    const body = Buffer.alloc(300_000, "0123456789");
    const byLength = await ask(
      port,
      "/",
      { method: "POST", headers: { "Content-Length": body.length } },
      body,
    );
    expect(byLength.body).toBe(body.toString());
    const chunked = await ask(
      port,
      "/",
      { method: "PUT", headers: { "Transfer-Encoding": "chunked" } },
      body,
    );
    expect(chunked.body).toBe(body.toString());
    expect((await ask(port, "/", { method: "POST", headers: { "Content-Length": 0 } })).body).toBe("");
  });

  test("Expect: 100-continue is asked of the upstream", async () => {
    const { port: backend, server } = await startHttpBackend((_request, response) =>
      response.end("unexpected"),
    );
    server.on("checkContinue", (request, response) => {
      if (request.url === "/no") response.writeHead(413, { "Content-Length": 0 }).end();
      else {
        response.writeContinue();
        request.pipe(response);
      }
    });
    const { port } = await startDoor(backend);
    const head = (path: string) =>
      `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n`;
    const yes = openRaw(port);
    yes.write(head("/yes"));
    await yes.received("HTTP/1.1 100 Continue\r\n\r\n");
    yes.write("hello");
    await yes.received("hello");
    // Whether the body will come now cannot be known, so that the connection cannot go on.
    expect(await exchangeRaw(port, head("/no"))).toMatch(/^HTTP\/1\.1 413 [^]*Connection: close/);
  });

  test("an answer before the body's end is relayed, and that upstream connection is not used again", async () => {
    const { port: backend, sockets } = await startRawBackend((socket) =>
      onHeads(socket, () => socket.write("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")),
    );
    const { port } = await startDoor(backend);
    const client = openRaw(port);
    client.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nfirst");
    await client.received("\r\n\r\nbig");
    client.write("x".repeat(99_995));
    client.write("GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    expect((await client.closed()).match(/HTTP\/1\.1 413/g)).toHaveLength(2);
    expect(sockets).toHaveLength(2);
  });
});

test("L6: an upstream that does not read stops the upload, and loses nothing of it", async () => {
  const total = 64_000_000;
  let received = 0;
  const { port: backend, sockets } = await startRawBackend((socket) => socket.pause());
  const { port } = await startDoor(backend);
  const client = openRaw(port);
  client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${total}\r\n\r\n`);
  let sent = 0;
  const more = () => {
    while (sent < total) {
      sent += 64_000;
      if (!client.socket.write(Buffer.alloc(64_000, "x"))) return void client.socket.once("drain", more);
    }
  };
  more();
  let before = -1;
  await expect.poll(() => before === (before = sent), { interval: 200, timeout: 10_000 }).toBe(true);
  expect(sent).toBeLessThan(40_000_000);
  const [upstream] = sockets;
  upstream?.on("data", (bytes) => {
    received += bytes.filter((byte) => byte === 0x78).length;
    if (received >= total) upstream.end("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone");
  });
  upstream?.resume();
  await client.received("\r\n\r\ndone");
  expect(received).toBe(total);
});

describe("endings", () => {
  test("a client that leaves ends its upstream request, during the upload and during the answer", async () => {
    for (const upload of [true, false]) {
      let gone: Promise<unknown> | undefined;
      const { port: backend, sockets } = await startRawBackend((socket) => {
        gone = once(socket, "close");
        socket.on("end", () => socket.end());
        socket.on("data", () => !upload && socket.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart"));
      });
      const { port } = await startDoor(backend);
      const client = openRaw(port);
      client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${upload ? 9 : 4}\r\n\r\npart`);
      if (upload) await expect.poll(() => sockets.length).toBe(1);
      else await client.received("\r\n\r\npart");
      client.socket.destroy();
      await gone;
    }
  });

  test("an upstream that breaks off is seen as broken off", async () => {
    for (const head of ["Content-Length: 9", "Transfer-Encoding: chunked"]) {
      const { port: backend } = await startRawBackend((socket) =>
        onHeads(socket, () => socket.end(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n5\r\nhello\r\n`.slice(0, -4))),
      );
      const { port } = await startDoor(backend);
      await expect(ask(port, "/")).rejects.toThrow("aborted");
    }
  });

  test("an upstream that is not there, hangs up, or talks nonsense: 502 and JSON", async () => {
    const dead = await startRawBackend(() => {});
    for (const [say, failures] of [
      [undefined, 1],
      ["", 1],
      ["SSH-2.0-OpenSSH\r\n\r\n", 0],
      ["HTTP/1.1 101 X\r\n\r\n", 0],
    ] as const) {
      const { port: backend } = await startRawBackend((socket) =>
        onHeads(socket, () => socket.end(say ?? "")),
      );
      const { port, failed } = await startDoor(say === undefined ? 1 : backend);
      const answer = await ask(port, "/");
      expect(answer).toMatchObject({ status: 502, headers: { "content-type": "application/json" } });
      expect(JSON.parse(answer.body)).toEqual({ message: expect.stringContaining("The workload") });
      expect(failed).toHaveLength(failures);
    }
    expect(dead.sockets).toHaveLength(0);
  });

  test("a response head without end is cut at 64 KB", async () => {
    const { port: backend } = await startRawBackend((socket) =>
      onHeads(socket, () => {
        socket.write("HTTP/1.1 200 OK\r\n");
        const more = () => socket.destroyed || socket.write("X: y\r\n".repeat(500), more);
        more();
      }),
    );
    const { port } = await startDoor(backend);
    expect((await ask(port, "/")).status).toBe(502);
  });

  test("a kept connection that turns out dead: GET is sent again once, POST is not", async () => {
    let dying = 0;
    const { port: backend, sockets } = await startRawBackend((socket) => {
      let heads = 0;
      socket.on("data", () => {
        heads += 1;
        if (heads === 1 && dying === 0) socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        else if (heads === 1 && dying > sockets.length)
          socket.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfresh");
        else socket.resetAndDestroy();
      });
    });
    const { port, failed } = await startDoor(backend);
    expect((await ask(port, "/")).body).toBe("ok");
    dying = 9;
    expect((await ask(port, "/")).body).toBe("fresh");
    expect(sockets).toHaveLength(2);
    expect((await ask(port, "/", { method: "POST", headers: { "Content-Length": 1 } }, "x")).status).toBe(
      502,
    );
    expect(failed).toHaveLength(1);
    dying = 1; // now the new connection dies too: the request is not tried a third time
    const before = sockets.length;
    expect((await ask(port, "/")).status).toBe(502);
    expect(sockets.length - before).toBe(1);
  });

  test("T17: dropSessions ends requests in flight of those sessions only", async () => {
    const { port: backend, sockets } = await startRawBackend((socket) =>
      onHeads(socket, () => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart")),
    );
    const upstream = { host: "127.0.0.1", port: backend, headers: {} };
    const { door, port } = await startDoor(backend, {
      decide: ({ target }) => ({ kind: "forward", upstream, session: target }),
    });
    const [one, two] = [openRaw(port), openRaw(port)];
    one.write("GET /one HTTP/1.1\r\nHost: a\r\n\r\n");
    two.write("GET /two HTTP/1.1\r\nHost: a\r\n\r\n");
    await Promise.all([one.received("part"), two.received("part")]);
    door.dropSessions((session) => session === "/one");
    await one.closed();
    for (const socket of sockets) socket.write("-rest");
    await two.received("part-rest");
  });

  test("close ends everything", async () => {
    const { port: backend } = await startRawBackend((socket) => onHeads(socket, () => {}));
    const { door, port, decided } = await startDoor(backend);
    const client = openRaw(port);
    client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await expect.poll(() => decided.length).toBe(1);
    await door.close();
    expect(await client.closed()).toBe("");
    await expect(ask(port, "/")).rejects.toThrow("ECONNREFUSED");
  });
});
