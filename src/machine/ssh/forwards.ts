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
  expose(port: number, there?: number): Promise<Forward>;
  close(): Promise<void>;
};

const portTries = 8;
/** Beneath the ports of outgoing connections. */
const [firstPort, lastPort] = [20_000, 32_000];
const [firstPauseMs, longestPauseMs] = [250, 30_000];

export function createForwards(connection: Connection): Forwards {
  const open = new Map<Forward, ForwardRequest>();
  /** Those of a connection that is gone. */
  const missing = new Set<Forward>();
  let breaks = 0;
  let adding = 0;
  let holding: Promise<{ destroy(): unknown }> | undefined;
  let bringing: Promise<void> | undefined;
  const over = new AbortController();

  const request = (what: "forward" | "cancel", wanted: ForwardRequest) =>
    runHere(buildControl(connection.route, what, wanted), connection.env);
  const hold = () => {
    const held = connection.hold(() => {
      if (holding !== taken) return;
      holding = undefined;
      lose();
    });
    const taken = held.catch((error: unknown) => {
      if (holding === taken) holding = undefined;
      throw error;
    });
    return taken;
  };
  const letGo = () => {
    void holding?.then((socket) => socket.destroy()).catch(() => undefined);
    holding = undefined;
  };
  const lose = () => {
    breaks += 1;
    for (const forward of open.keys()) missing.add(forward);
    if (missing.size === 0 || over.signal.aborted) return;
    bringing ??= bringBack().finally(() => {
      bringing = undefined;
      if (missing.size > 0) lose();
    });
  };
  const bringBack = async () => {
    let pauseMs = firstPauseMs;
    while (missing.size > 0 && !over.signal.aborted) {
      const stands = connection.ensure().then(() => (holding ??= hold()));
      const back = await stands.then(
        () => true,
        () => false,
      );
      // The host may hold a port for the old connection until it notices that it is dead.
      for (const forward of back ? missing : []) {
        const before = breaks;
        if ((await bringOne(forward)) && before === breaks) missing.delete(forward);
      }
      if (missing.size > 0) await delay(pauseMs, undefined, { ref: false });
      pauseMs = Math.min(2 * pauseMs, longestPauseMs);
    }
  };
  const bringOne = async (forward: Forward): Promise<boolean> => {
    const wanted = open.get(forward);
    if (wanted === undefined) return true;
    if (wanted.flag === "-L" && "path" in wanted.from) {
      await request("cancel", wanted); // one that it has ssh makes not again, nor its socket
      await rm(wanted.from.path, { force: true });
    }
    const { exitCode } = await request("forward", wanted);
    if (!open.has(forward)) await remove(wanted); // it was closed meanwhile
    return exitCode === 0;
  };
  const remove = async (wanted: ForwardRequest) => {
    await request("cancel", wanted);
    if ("path" in wanted.from) await rm(wanted.from.path, { force: true });
  };
  const add = async (wanted: ForwardRequest, answer: Omit<Forward, "close">) => {
    adding += 1;
    try {
      await connection.ensure();
      await (holding ??= hold());
      const before = breaks;
      const { exitCode, stderr } = await request("forward", wanted);
      if (exitCode !== 0) return lastLine(stderr);
      const forward: Forward = {
        ...answer,
        close: async () => {
          if (!open.delete(forward)) return;
          await remove(wanted);
          if (open.size + adding === 0) letGo();
        },
      };
      open.set(forward, wanted);
      if (before !== breaks) lose();
      return forward;
    } finally {
      adding -= 1;
      if (open.size + adding === 0) letGo();
    }
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
    expose: (port, wanted) =>
      tryPorts(
        () => wanted ?? randomInt(firstPort, lastPort),
        (there) => ({ flag: "-R", from: { port: there }, to: { port } }),
      ),
    close: async () => {
      over.abort();
      await Promise.all([...open.keys()].map((forward) => forward.close()));
      letGo();
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
