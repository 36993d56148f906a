// The connection to an agent: how following it ends.
import { mkdtempSync, rmSync } from "node:fs";
import type { Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../base/clock.ts";
import { version } from "../base/version.ts";
import { protocolVersion } from "../model/agent-protocol.ts";
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

test("F24: an agent of an older protocol is told to end before another is started; a newer one is left alone", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sesta-agent-"));
  let [protocol, stopped] = [protocolVersion - 1, 0];
  const hello = () => ({ protocol, version, pid: 1, instance: "one", build: "main" });
  const old = await serveControl(socketPath(folder, "agent"), {
    hello,
    stop: () => {
      stopped += 1;
      old.close();
      return null;
    },
  });
  const ensure = () => connectAgent({ home: folder, command: ["false"], env: {} }, systemClock).ensure();
  await expect(ensure()).rejects.toMatchObject({ code: "AGENT_UNREACHABLE" }); // `false` is no agent
  expect(stopped).toBe(1);
  protocol = protocolVersion + 1;
  const newer = await serveControl(socketPath(folder, "agent"), { hello, stop: () => (stopped += 1) });
  await expect(ensure()).rejects.toMatchObject({ code: "AGENT_VERSION" });
  expect(stopped).toBe(1);
  newer.close();
  rmSync(folder, { recursive: true, force: true });
});
