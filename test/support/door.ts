// A front door on a free port before a backend of the test's own, and canary listeners that nobody may reach.
import { createServer as createHttpServer, type RequestListener, type Server } from "node:http";
import { connect, createServer, type AddressInfo, type Server as NetServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import type { Decision, Door, DoorOptions, DoorRequest, Upstream } from "../../src/front/proxy/door.ts";
import { createDoorServer } from "../../src/front/proxy/door-server.ts";

export type TestDoor = { door: Door; port: number; decided: DoorRequest[]; failed: Upstream[] };

/** Forwards everything to `backend` with an injected token, unless `options.decide` says otherwise. */
export async function startDoor(backend: number, options: Partial<DoorOptions> = {}): Promise<TestDoor> {
  const decided: DoorRequest[] = [];
  const failed: Upstream[] = [];
  const upstream = {
    host: "127.0.0.1",
    port: backend,
    headers: { Authorization: "token injected" },
  };
  const forward: Decision = { kind: "forward", upstream, session: "s1" };
  const { decide = () => forward, ...others } = options;
  const door = createDoorServer({
    clock: systemClock,
    log: silentLog,
    local: (_request, response) => response.end("local"),
    upstreamFailed: (which) => failed.push(which),
    ...others,
    decide(request) {
      decided.push(request);
      return decide(request);
    },
  });
  const port = await door.listen(0, "127.0.0.1");
  onTestFinished(() => door.close());
  return { door, port, decided, failed };
}

export async function startHttpBackend(handler: RequestListener): Promise<{ port: number; server: Server }> {
  const server = createHttpServer(handler);
  const port = await listen(server);
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port, server };
}

/** A backend that gives its sockets away; `sockets` keeps every connection there was. */
export async function startRawBackend(
  onSocket: (socket: Socket) => void,
): Promise<{ port: number; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    onSocket(socket);
  });
  const port = await listen(server);
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port, sockets };
}

/** Calls back with each whole request head (latin1) that arrives; bodies are not expected. */
export function onHeads(socket: Socket, callback: (head: string) => void): void {
  let text = "";
  socket.on("data", (bytes) => {
    text += bytes.toString("latin1");
    for (let end = text.indexOf("\r\n\r\n"); end !== -1; end = text.indexOf("\r\n\r\n")) {
      const head = text.slice(0, end + 4);
      text = text.slice(end + 4);
      callback(head);
    }
  });
}

/** Sends `bytes` (latin1) and resolves with all that came back when the connection is closed. */
export function exchangeRaw(port: number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes, "latin1"));
    let text = "";
    socket.on("data", (piece) => (text += piece.toString("latin1")));
    socket.on("error", () => {});
    socket.on("close", () => resolve(text));
  });
}

/** A connection whose received text can be awaited. */
export function openRaw(port: number) {
  const socket = connect(port, "127.0.0.1");
  let text = "";
  let closed = false;
  const waiting = new Set<() => void>();
  const wake = () => waiting.forEach((check) => check());
  socket.on("error", () => {});
  socket.on("data", (piece) => {
    text += piece.toString("latin1");
    wake();
  });
  socket.on("close", () => {
    closed = true;
    wake();
  });
  onTestFinished(() => void socket.destroy());
  const until = (holds: () => boolean) =>
    new Promise<string>((resolve, reject) => {
      const check = () => {
        if (holds()) resolve(text);
        else if (closed) reject(new Error(`closed after ${JSON.stringify(text)}`));
        else return;
        waiting.delete(check);
      };
      waiting.add(check);
      check();
    });
  return {
    socket,
    write: (bytes: string) => void socket.write(bytes, "latin1"),
    received: (part: string) => until(() => text.includes(part)),
    closed: () => until(() => closed),
    /** How often `part` was received so far. */
    count: (part: string) => text.split(part).length - 1,
  };
}

export async function listen(server: NetServer): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  return (server.address() as AddressInfo).port;
}
