// Ports and sockets carried over the shared connection. They come back with it when it broke.
import { randomBytes, randomInt } from "node:crypto";
import { rm } from "node:fs/promises";
import { createServer } from "node:net";
import { basename, dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { buildControl, type ForwardRequest } from "../../commands/ssh.ts";
import { SestaError } from "../../base/errors.ts";
import type { Forward } from "../machine.ts";
import { runHere } from "./access.ts";
import type { Connection } from "./connection.ts";
import { lastLine } from "./failure.ts";

export type Forwards = {
  forward(to: { port: number } | { path: string }, here?: "port" | "path"): Promise<Forward>;
  expose(port: number): Promise<Forward>;
  close(): Promise<void>;
};

const portTries = 8;
/** Beneath the ports of outgoing connections. */
const [firstPort, lastPort] = [20_000, 32_000];
const [firstPauseMs, longestPauseMs] = [250, 30_000];

export function createForwards(connection: Connection): Forwards {
  const open = new Map<Forward, ForwardRequest>();
  let held: { destroy(): unknown } | undefined;
  const over = new AbortController();

  const request = async (what: "forward" | "cancel", wanted: ForwardRequest) => {
    if (what === "forward" && wanted.flag === "-L" && "path" in wanted.from)
      await rm(wanted.from.path, { force: true });
    return runHere(buildControl(connection.route, what, wanted), connection.env);
  };
  const hold = async () => {
    held ??= await connection.hold(() => {
      held = undefined;
      if (open.size > 0 && !over.signal.aborted) void bringBack();
    });
  };
  const bringBack = async () => {
    const gone = new Map(open);
    let pauseMs = firstPauseMs;
    while (gone.size > 0 && !over.signal.aborted) {
      const stands = connection.ensure().then(hold);
      const back = await stands.then(
        () => true,
        () => false,
      );
      for (const [forward, wanted] of back ? gone : []) {
        // The host may hold a port for the old connection until it notices that it is dead.
        if (!open.has(forward) || (await request("forward", wanted)).exitCode === 0) gone.delete(forward);
      }
      if (gone.size > 0) await delay(pauseMs, undefined, { ref: false });
      pauseMs = Math.min(2 * pauseMs, longestPauseMs);
    }
  };
  const add = async (wanted: ForwardRequest, answer: Omit<Forward, "close">) => {
    await connection.ensure();
    await hold();
    const { exitCode, stderr } = await request("forward", wanted);
    if (exitCode !== 0) return lastLine(stderr);
    const forward: Forward = {
      ...answer,
      close: async () => {
        if (!open.delete(forward)) return;
        await request("cancel", wanted);
        if (answer.path !== undefined) await rm(answer.path, { force: true });
        if (open.size === 0) held?.destroy();
      },
    };
    open.set(forward, wanted);
    return forward;
  };
  const tryPorts = async (
    pick: () => number | Promise<number>,
    build: (port: number) => ForwardRequest,
  ): Promise<Forward> => {
    let reason = "";
    for (let tries = 0; tries < portTries; tries++) {
      const port = await pick();
      const added = await add(build(port), { port });
      if (typeof added !== "string") return added;
      reason = added;
    }
    throw refused(connection, reason);
  };

  return {
    forward: async (to, here = "port" in to ? "port" : "path") => {
      if (here === "port") return tryPorts(findFreePort, (port) => ({ flag: "-L", from: { port }, to }));
      const { controlPath } = connection.route;
      const name = `${basename(controlPath, ".sock").slice(-8)}-${randomBytes(4).toString("hex")}.sock`;
      const path = join(dirname(controlPath), name);
      const added = await add({ flag: "-L", from: { path }, to }, { path });
      if (typeof added === "string") throw refused(connection, added);
      return added;
    },
    expose: (port) =>
      tryPorts(
        () => randomInt(firstPort, lastPort),
        (there) => ({ flag: "-R", from: { port: there }, to: { port } }),
      ),
    close: async () => {
      over.abort();
      await Promise.all([...open.keys()].map((forward) => forward.close()));
      held?.destroy();
    },
  };
}

function refused({ access }: Connection, reason: string): SestaError {
  return new SestaError("SSH_CONNECTION", `${access.host.name} forwards no port: ${reason}`, {
    hint: "Its sshd must allow it: AllowTcpForwarding and AllowStreamLocalForwarding in sshd_config.",
  });
}

async function findFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no address");
  return address.port;
}
