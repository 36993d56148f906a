// Ports on real sockets: the one that is fixed, or the next free one that belongs to nobody else.
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { afterEach, expect, test } from "vitest";
import { listenOn, type PortWish } from "./listen.ts";

const servers: Server[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

async function listen(port: number, host: string): Promise<number> {
  const server = createServer();
  servers.push(server);
  server.listen(port, host);
  await once(server, "listening");
  const address = server.address();
  return address !== null && typeof address === "object" ? address.port : 0;
}

const wish: PortWish = {
  what: "notebook",
  host: "127.0.0.1",
  fixed: undefined,
  first: 0,
  reserved: new Set(),
};

/** A port that is taken, with a free one behind it. */
async function takenPort(): Promise<number> {
  for (;;) {
    const port = await listen(0, "127.0.0.1");
    const isFree = await listen(port + 1, "127.0.0.1").then(
      () => servers.pop()?.close() !== undefined,
      () => false,
    );
    if (isFree && port < 65_000) return port;
  }
}

test("the next free one, when the first is taken", async () => {
  const first = await takenPort();
  expect(await listenOn(listen, { ...wish, first })).toBe(first + 1);
});

test("one that belongs to another workload is passed over, also while nobody listens there", async () => {
  const first = await takenPort();
  expect(await listenOn(listen, { ...wish, first, reserved: new Set([first + 1]) })).toBeGreaterThan(
    first + 1,
  );
});

test("F14: a fixed one is not replaced: the refusal names it, its owner and what to do", async () => {
  const fixed = await takenPort();
  await expect(listenOn(listen, { ...wish, fixed })).rejects.toMatchObject({
    code: "PORT_TAKEN",
    message: `Port ${fixed} on 127.0.0.1, which belongs to notebook, cannot be opened: another program uses it`,
    hint: expect.stringContaining("port:") as string,
  });
});

test("a fixed one that is free is taken, whatever is reserved", async () => {
  const fixed = (await takenPort()) + 1;
  expect(await listenOn(listen, { ...wish, fixed, reserved: new Set([fixed]) })).toBe(fixed);
});

test("an address that this machine does not have is said at once, not searched for", async () => {
  let asked = 0;
  const counted = (port: number, host: string) => ((asked += 1), listen(port, host));
  // TEST-NET-1 of RFC 5737 belongs to nobody.
  await expect(listenOn(counted, { ...wish, host: "192.0.2.1", first: 8_470 })).rejects.toMatchObject({
    code: "PORT_TAKEN",
  });
  expect(asked).toBe(1);
});

test("two hundred taken ones are enough", async () => {
  const taken = Object.assign(new Error("taken"), { code: "EADDRINUSE" });
  const asked: number[] = [];
  const refuse = (port: number) => (asked.push(port), Promise.reject(taken));
  await expect(listenOn(refuse, { ...wish, first: 8_471 })).rejects.toMatchObject({ code: "PORT_TAKEN" });
  expect([asked[0], asked.at(-1), asked.length]).toEqual([8_471, 8_670, 200]);
});
