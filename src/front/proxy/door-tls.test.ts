// The door over TLS: what clients meet behind a certificate.
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { get, type RequestOptions } from "node:https";
import type { IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { openRaw, startDoor, startHttpBackend } from "../../../test/support/door.ts";

/** A certificate for this test alone; undefined without openssl. */
function createCertificate(): { cert: string; key: string } | undefined {
  const folder = mkdtempSync(join(tmpdir(), "sesta-tls-"));
  const [key, cert] = [join(folder, "key"), join(folder, "cert")];
  const made = spawnSync("openssl", [
    ..."req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=door.test".split(" "),
    "-keyout",
    key,
    "-out",
    cert,
  ]);
  try {
    return made.status === 0
      ? { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") }
      : undefined;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const tls = createCertificate();

test.skipIf(!tls)("over TLS: requests and WebSockets pass, and the upstream is told", async () => {
  const { port: backend, server } = await startHttpBackend((request, response) =>
    response.end(JSON.stringify([request.headers["x-forwarded-proto"], request.headers["x-forwarded-for"]])),
  );
  new WebSocketServer({ server }).on("connection", (socket) =>
    socket.on("message", (data) => socket.send(data)),
  );
  const { door, port, decided } = await startDoor(backend, tls ? { tls } : {});
  const options: RequestOptions = { port, host: "127.0.0.1", rejectUnauthorized: false, agent: false };
  const [response] = (await once(get(options), "response")) as [IncomingMessage];
  expect(JSON.parse((await response.toArray()).join(""))).toEqual(["https", "127.0.0.1"]);
  expect(decided).toMatchObject([{ encrypted: true, remoteAddress: "127.0.0.1" }]);

  const socket = new WebSocket(`wss://127.0.0.1:${port}/`, { rejectUnauthorized: false });
  onTestFinished(() => socket.terminate());
  await once(socket, "open");
  socket.send(Buffer.alloc(300_000, "x"));
  const [data] = (await once(socket, "message")) as [Buffer];
  expect(data).toHaveLength(300_000);
  const closed = once(socket, "close");
  door.dropSessions(() => true);
  await closed;
});

test.skipIf(!tls)("plain HTTP on the TLS port is not answered and harms nothing", async () => {
  const { port: backend } = await startHttpBackend((_request, response) => response.end());
  const { port, decided } = await startDoor(backend, tls ? { tls } : {});
  const client = openRaw(port);
  client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  expect(await client.closed()).not.toContain("HTTP/1.1 200");
  expect(decided).toHaveLength(0);
});
