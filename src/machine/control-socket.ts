// Requests over a Unix socket that only its owner can open: one JSON line asks, JSON lines answer.
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, rmSync, statSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { errorCodes, type ErrorCode } from "../base/error-codes.ts";
import { messageOf, SestaError, systemCode } from "../base/errors.ts";

type Answer = { result: unknown } | { error: { code: string; message: string; hint?: string } };
export type Handler = (params: never) => unknown;
export type Stream = (
  params: never,
  send: (event: unknown) => void,
  closed: AbortSignal,
) => void | Promise<void>;

// sun_path holds 104 bytes on macOS and 108 on Linux, see unix(7).
const longestPath = 100;
const longestRequest = 4 * 1024 * 1024;
const retryMs = 5;
const longestQueue = 4_096; // the system may allow less

/**
 * Where the socket of this name in `folder` is: there, or in a private temporary folder when that path is too long.
 * @param addedBytes what its listener appends to the path while it makes the socket
 */
export function socketPath(folder: string, name: string, addedBytes = 0): string {
  return socketPathAt(folder, name, { temporary: tmpdir(), uid: String(userInfo().uid) }, addedBytes);
}

/** The same on another machine, whose temporary folder and user these are. */
export function socketPathAt(
  folder: string,
  name: string,
  { temporary, uid }: { temporary: string; uid: string },
  addedBytes = 0,
): string {
  const path = join(folder, `${name}.sock`);
  if (Buffer.byteLength(path) + addedBytes <= longestPath) return path;
  const digest = createHash("sha256").update(path).digest("hex").slice(0, 20);
  return join(temporary, `sesta-${uid}`, `${digest}.sock`);
}

/** Listens; the caller must hold a lock that makes it the only listener, since a stale socket is removed. */
export async function serveControl(
  path: string,
  handlers: Readonly<Record<string, Handler>>,
  streams: Readonly<Record<string, Stream>> = {},
): Promise<Server> {
  makeOwnFolder(join(path, ".."));
  rmSync(path, { force: true });
  const server = createServer((socket) => void answer(socket, handlers, streams));
  const before = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ path, backlog: longestQueue }, resolve);
    });
  } finally {
    process.umask(before);
  }
  chmodSync(path, 0o600);
  return server;
}

/** @throws the other side's SestaError, or a system error (ENOENT, ECONNREFUSED) when nobody listens */
export async function ask(
  path: string,
  method: string,
  params: unknown,
  timeoutMs = 30_000,
): Promise<unknown> {
  for await (const line of lines(path, method, params, AbortSignal.timeout(timeoutMs))) {
    const message = line as Answer;
    if ("error" in message) throw received(message.error);
    return message.result;
  }
  throw Object.assign(new Error(`${path} closed without an answer`), { code: "ECONNRESET" });
}

/** The events of a stream, until either side closes it. */
export async function* follow(
  path: string,
  method: string,
  params: unknown,
  signal: AbortSignal,
): AsyncGenerator {
  for await (const line of lines(path, method, params, signal)) {
    const message = line as { event: unknown } | Answer;
    if ("error" in message) throw received(message.error);
    if ("event" in message) yield message.event;
  }
}

async function* lines(path: string, method: string, params: unknown, signal: AbortSignal): AsyncGenerator {
  const socket = (await connected(path, signal)).setEncoding("utf8");
  const stop = () =>
    socket.destroy(Object.assign(new Error(`no answer to ${method}`), { code: "ETIMEDOUT" }));
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  try {
    socket.write(`${JSON.stringify({ method, params })}\n`);
    let rest = "";
    for await (const chunk of socket) {
      const whole = (rest + String(chunk)).split("\n");
      rest = whole.pop() ?? "";
      for (const line of whole) yield JSON.parse(line);
    }
  } finally {
    signal.removeEventListener("abort", stop);
    socket.destroy();
  }
}

/** A listener whose queue is full refuses with EAGAIN for the moment, see connect(2) and unix(7). */
async function connected(path: string, signal: AbortSignal): Promise<Socket> {
  for (;;) {
    const socket = connect(path);
    const error = await new Promise<Error | undefined>((resolve) => {
      socket.once("connect", () => resolve(undefined)).once("error", resolve);
    });
    if (!error) return socket;
    if (systemCode(error) !== "EAGAIN" || signal.aborted) throw error;
    await delay(retryMs);
  }
}

async function answer(
  socket: Socket,
  handlers: Readonly<Record<string, Handler>>,
  streams: Readonly<Record<string, Stream>>,
): Promise<void> {
  socket.on("error", () => socket.destroy());
  const send = (message: unknown) => socket.writable && socket.write(`${JSON.stringify(message)}\n`);
  const closed = new AbortController();
  socket.once("close", () => closed.abort());
  try {
    const { method, params } = await readRequest(socket);
    const stream = Object.hasOwn(streams, method) ? streams[method] : undefined;
    const handler = Object.hasOwn(handlers, method) ? handlers[method] : undefined;
    if (stream) await stream(params as never, (event) => send({ event }), closed.signal);
    else if (handler) send({ result: (await handler(params as never)) ?? null });
    else throw new SestaError("UNSUPPORTED", `This process does not know how to ${String(method)}`);
  } catch (error) {
    const { code, hint } = error instanceof SestaError ? error : { code: "INTERNAL", hint: undefined };
    send({ error: { code, message: messageOf(error), ...(hint !== undefined && { hint }) } });
  }
  socket.end();
}

function readRequest(socket: Socket): Promise<{ method: string; params: unknown }> {
  return new Promise((resolve, reject) => {
    let text = "";
    let length = 0;
    socket.setEncoding("utf8").on("data", (chunk) => {
      length += String(chunk).length;
      if (length > longestRequest) return reject(new Error("the request is too long")); // the rest is dropped
      text += String(chunk);
      if (!String(chunk).includes("\n")) return;
      try {
        resolve(JSON.parse(text));
      } catch (error) {
        reject(error);
      }
    });
    socket.once("close", () => reject(new Error("the request ended before it began")));
  });
}

function received(error: { code: string; message: string; hint?: string }): Error {
  if (!Object.hasOwn(errorCodes, error.code)) return new Error(error.message);
  return new SestaError(error.code as ErrorCode, error.message, { hint: error.hint });
}

/** A folder for sockets that no other user may have prepared. @throws SestaError STATE_FOLDER */
export function makeOwnFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { uid } = statSync(folder);
  if (uid !== userInfo().uid) {
    throw new SestaError("STATE_FOLDER", `${folder} belongs to another user`, { hint: `Remove ${folder}.` });
  }
}
