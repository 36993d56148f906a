// The connection to an agent: how following it ends.
import { mkdtempSync, rmSync } from "node:fs";
import type { Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../base/clock.ts";
import { serveControl, socketPath } from "./control-socket.ts";
import { connectAgent } from "./local-agent.ts";

let home: string;
let server: Server;
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), "sesta-agent-"));
  server = await serveControl(
    socketPath(home, "agent"),
    {},
    {
      watch: (_params: never, send, closed) => {
        send({ removed: "notebook" });
        return new Promise((resolve) => closed.addEventListener("abort", () => resolve()));
      },
    },
  );
});
afterEach(() => {
  server.close();
  rmSync(home, { recursive: true, force: true });
});
const connect = () => connectAgent({ home, command: ["false"], env: {} }, systemClock);

test("who stops watching, as with Ctrl-C, gets an end and no error", async () => {
  const stop = new AbortController();
  const events = connect().watch(0, stop.signal);
  expect(await events.next()).toEqual({ done: false, value: { removed: "notebook" } });
  stop.abort();
  expect(await events.next()).toEqual({ done: true, value: undefined });
});

test("no agent to watch is AGENT_UNREACHABLE", async () => {
  server.close();
  const events = connect().watch(0, new AbortController().signal);
  await expect(events.next()).rejects.toMatchObject({ code: "AGENT_UNREACHABLE" });
});
