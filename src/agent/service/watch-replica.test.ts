// What is noticed of a replica that is up, on real processes: it ends, it is unwell, it takes too much.
import { spawn } from "node:child_process";
import { createServer, type Server } from "node:http";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../base/clock.ts";
import { findIdentity } from "../../machine/identity.ts";
import { watchReplica, type WatchedReplica } from "./watch-replica.ts";

let server: Server;
let answer: number | "silence";
beforeEach(async () => {
  answer = 200;
  server = createServer((_request, response) => {
    if (answer !== "silence") response.writeHead(answer).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const sleeper = "setInterval(() => undefined, 1e6)";

async function watch({ program = sleeper, failures = 2, memoryBytes = null as number | null } = {}) {
  const child = spawn(process.execPath, ["-e", program], { detached: true, stdio: "ignore" });
  onTestFinished(() => void child.kill("SIGKILL"));
  const identity = await findIdentity(child.pid ?? 0);
  if (!identity) throw new Error("it did not start");
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  const replica: WatchedReplica = {
    clock: systemClock,
    identity,
    address: { host: "127.0.0.1", port, headers: {} },
    health: { path: "/health", startMs: 1_000, everyMs: 20, timeoutMs: 100, failures },
    memoryBytes,
    container: undefined,
  };
  const told: boolean[] = [];
  const stop = new AbortController();
  const events = { well: (isWell: boolean) => void told.push(isWell), proven: () => undefined };
  const ended = watchReplica(replica, events, stop.signal);
  ended.catch(() => undefined);
  return { child, told, ended, stop };
}

test("a process that ends", async () => {
  const { child, ended, told } = await watch();
  child.kill("SIGKILL");
  expect(await ended).toBe("it ended by itself");
  expect(told).toEqual([]);
});

test("a path that fails: no more requests after so many, started again after twice as many", async () => {
  const { ended, told } = await watch();
  answer = 500;
  expect(await ended).toBe("/health failed 4 times in a row (status 500)");
  expect(told).toEqual([false]);
});

test("one that is silent, and redirects, which are no answer", async () => {
  const { ended } = await watch({ failures: 1 });
  answer = "silence";
  expect(await ended).toBe("/health failed 2 times in a row (no answer)");
  const other = await watch({ failures: 1 });
  answer = 302;
  expect(await other.ended).toBe("/health failed 2 times in a row (status 302)");
});

test("one that answers again in between gets requests again, and is not started again", async () => {
  const { told, ended, stop } = await watch({ failures: 3 });
  answer = 503;
  while (told.length === 0) await systemClock.sleep(5);
  answer = 200;
  while (told.length === 1) await systemClock.sleep(5);
  expect(told).toEqual([false, true]);
  stop.abort(new Error("enough"));
  await expect(ended).rejects.toThrow();
});

test.skipIf(process.platform !== "linux")(
  "F8: what it takes with all that it started is weighed",
  async () => {
    const hungry = `require("child_process").spawn(process.execPath, ["-e", "globalThis.hoard = Buffer.alloc(150e6, 1); ${sleeper}"])`;
    const { ended, child } = await watch({ program: `${hungry}; ${sleeper}`, memoryBytes: 120 * 1024 ** 2 });
    expect(await ended).toMatch(/^OOM: it took \d+(\.\d)?MB, more than its limit of 120MB$/);
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  },
);
