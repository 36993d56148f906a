// The control socket over real sockets: who may open it, what comes back, and what garbage and absence do to it.
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect, type Server } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { SestaError } from "../base/errors.ts";
import { ask, follow, serveControl, socketPath, type Handler, type Stream } from "./control-socket.ts";

const folder = mkdtempSync(join(tmpdir(), "sesta-socket-"));
const servers: Server[] = [];
let count = 0;

async function serve(
  handlers: Readonly<Record<string, Handler>>,
  streams: Readonly<Record<string, Stream>> = {},
) {
  const path = join(folder, `${(count += 1)}.sock`);
  const server = await serveControl(path, handlers, streams);
  servers.push(server);
  return path;
}

/** What the server answers to these bytes, until it closes. */
async function raw(path: string, bytes: string): Promise<string> {
  const socket = connect(path).setEncoding("utf8");
  let text = "";
  socket.on("data", (chunk) => (text += String(chunk)));
  socket.on("error", () => undefined);
  socket.end(bytes);
  await once(socket, "close");
  return text;
}

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("requests", () => {
  test("a thousand at once, each gets its own answer", async () => {
    const path = await serve({ double: async ({ n }: { n: number }) => (await Promise.resolve(), n * 2) });
    const answers = await Promise.all(Array.from({ length: 1_000 }, (_, n) => ask(path, "double", { n })));
    expect(answers).toEqual(Array.from({ length: 1_000 }, (_, n) => n * 2));
  });

  test("large parameters and answers come whole; nothing is null", async () => {
    const path = await serve({ echo: (params: unknown) => params, nothing: () => undefined });
    const text = 'ä\n\u2028"'.repeat(250_000);
    expect(await ask(path, "echo", { text })).toEqual({ text });
    expect(await ask(path, "nothing", {})).toBeNull();
  });

  test("the other side's error arrives with its code and hint", async () => {
    const path = await serve({
      busy: () => {
        throw new SestaError("BUSY", "held", { hint: "Wait." });
      },
      bug: () => {
        throw new TypeError("a bug");
      },
    });
    await expect(ask(path, "busy", {})).rejects.toMatchObject({
      name: "SestaError",
      code: "BUSY",
      message: "held",
      hint: "Wait.",
    });
    const bug: unknown = await ask(path, "bug", {}).catch((error: unknown) => error);
    expect(bug).not.toBeInstanceOf(SestaError);
    expect(bug).toMatchObject({ message: "a bug" });
    await expect(ask(path, "unheard-of", {})).rejects.toMatchObject({ code: "UNSUPPORTED" });
  });

  test.each(["constructor", "__proto__", "toString", "hasOwnProperty"])("%s is no method", async (method) => {
    const path = await serve({ hello: () => 1 });
    await expect(ask(path, method, {})).rejects.toMatchObject({ code: "UNSUPPORTED" });
  });

  test("nobody listens: the system's own code says so", async () => {
    await expect(ask(join(folder, "none.sock"), "hello", {})).rejects.toMatchObject({ code: "ENOENT" });
    const path = await serve({});
    servers.splice(0).forEach((server) => server.close());
    await expect(ask(path, "hello", {})).rejects.toMatchObject({
      code: expect.stringMatching(/ENOENT|ECONNREFUSED/) as string,
    });
  });

  test("who gave up before asking waits for nothing", async () => {
    const path = await serve({}, { watch: () => new Promise(() => undefined) });
    await expect(follow(path, "watch", {}, AbortSignal.abort()).next()).rejects.toMatchObject({
      code: "ETIMEDOUT",
    });
  });

  test("no answer in time is ETIMEDOUT", async () => {
    const path = await serve({ forever: () => new Promise(() => undefined) });
    await expect(ask(path, "forever", {}, 20)).rejects.toMatchObject({ code: "ETIMEDOUT" });
  });
});

describe("garbage", () => {
  test.each([
    ["no JSON", "GET / HTTP/1.1\r\n\r\n"],
    ["no object", "42\n"],
    ["null", "null\n"],
    ["no method", "{}\n"],
    ["a method that is none", '{"method":{"a":1}}\n'],
    ["nothing", ""],
    ["an unfinished line", '{"method":"hello"'],
    ["bytes", "\u0000\u0001\u0002\n"],
    ["more than is read", "x".repeat(5 * 1024 * 1024)],
  ])("%s: an error or an end, and the next request is answered", async (_what, bytes) => {
    const path = await serve({ hello: () => "here" });
    const answer = await raw(path, bytes);
    if (answer !== "")
      expect(JSON.parse(answer)).toMatchObject({ error: { code: expect.any(String) as string } });
    expect(await ask(path, "hello", {})).toBe("here");
  });

  test("a client that goes away before its answer does no harm", async () => {
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const seen = { asked: 0 };
    const path = await serve({
      slow: async () => ((seen.asked += 1), await gate, "x".repeat(1_000_000)),
      hello: () => "here",
    });
    const clients = Array.from({ length: 50 }, () => connect(path).on("error", () => undefined));
    for (const client of clients) client.write('{"method":"slow","params":{}}\n');
    while (seen.asked < 50) await new Promise((resolve) => setImmediate(resolve));
    for (const client of clients) client.destroy();
    release();
    expect(await ask(path, "hello", {})).toBe("here");
  });
});

describe("streams", () => {
  test("events come in order until the server is done", async () => {
    const stream: Stream = async ({ to }: { to: number }, send) => {
      for (let n = 0; n < to; n++) send({ n });
    };
    const path = await serve({}, { count: stream });
    const seen: unknown[] = [];
    for await (const event of follow(path, "count", { to: 1_000 }, new AbortController().signal))
      seen.push(event);
    expect(seen).toEqual(Array.from({ length: 1_000 }, (_, n) => ({ n })));
  });

  test("a reader that leaves is noticed", async () => {
    const seen = { closed: 0 };
    const stream: Stream = (_params: never, send, closed) => {
      send("first");
      return new Promise((resolve) =>
        closed.addEventListener("abort", () => resolve(void (seen.closed += 1))),
      );
    };
    const path = await serve({}, { watch: stream });
    const leave = new AbortController();
    for await (const event of follow(path, "watch", {}, leave.signal)) {
      expect(event).toBe("first");
      break;
    }
    const read = follow(path, "watch", {}, leave.signal);
    expect((await read.next()).value).toBe("first");
    leave.abort();
    await expect(read.next()).rejects.toMatchObject({ code: "ETIMEDOUT" });
    while (seen.closed < 2) await new Promise((resolve) => setImmediate(resolve));
  });
});

describe("who may open it", () => {
  test("T16: 0600 whatever the umask, and a stale file gives way", async () => {
    const before = process.umask(0);
    try {
      const path = join(folder, "modes", "stale.sock");
      const first = await serveControl(path, {});
      expect([statSync(path).mode & 0o777, statSync(dirname(path)).mode & 0o777]).toEqual([0o600, 0o700]);
      first.close();
      writeFileSync(path, "left behind");
      servers.push(await serveControl(path, { hello: () => 1 }));
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect(await ask(path, "hello", {})).toBe(1);
      expect(process.umask()).toBe(0);
    } finally {
      process.umask(before);
    }
  });

  test.runIf(process.getuid?.() === 0)("a folder of another user is refused", async () => {
    const foreign = mkdtempSync(join(folder, "foreign-"));
    chmodSync(foreign, 0o777);
    const { chownSync } = await import("node:fs");
    chownSync(foreign, 65_534, 65_534);
    await expect(serveControl(join(foreign, "a.sock"), {})).rejects.toMatchObject({ code: "STATE_FOLDER" });
  });
});

describe("where it is", () => {
  test("in its folder while the path fits into sun_path, else in a private folder, the same every time", async () => {
    expect(socketPath("/a/b", "agent")).toBe("/a/b/agent.sock");
    const deep = join(folder, "d".repeat(120));
    const path = socketPath(deep, "agent");
    expect(Buffer.byteLength(path)).toBeLessThanOrEqual(100);
    expect([path, path]).toEqual([socketPath(deep, "agent"), socketPath(`${deep}/`, "agent")]);
    expect(new Set([path, socketPath(deep, "gateway"), socketPath(`${deep}x`, "agent")]).size).toBe(3);
    servers.push(await serveControl(path, { hello: () => "deep" }));
    expect(await ask(path, "hello", {})).toBe("deep");
    expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
  });

  test("bytes count, not letters", () => {
    const path = socketPath(`/${"ä".repeat(60)}`, "agent");
    expect(Buffer.byteLength(path)).toBeLessThanOrEqual(100);
  });
});
