// The one connection to a host: made at the first use, shared with other processes, made again when it is gone.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { link, rename, rm } from "node:fs/promises";
import { connect as connectSocket, type Socket } from "node:net";
import { dirname } from "node:path";
import { buildMaster, type SshRoute } from "../../commands/ssh.ts";
import { messageOf, SestaError, systemCode } from "../../base/errors.ts";
import { makeOwnFolder } from "../control-socket.ts";
import { buildSshEnv, resolveRoute, type SshAccess } from "./access.ts";
import { explainConnection, isKeyRefused } from "./failure.ts";
import { describeChangedKey, describeUnknownKey, isPinned } from "./host-key.ts";

export type Connection = {
  readonly access: SshAccess;
  readonly route: SshRoute;
  readonly env: NodeJS.ProcessEnv;
  /**
   * There is a connection now.
   * @throws SestaError HOST_KEY_UNKNOWN, HOST_KEY_CHANGED, SSH_CONNECTION, COMMAND_MISSING
   */
  ensure(): Promise<void>;
  /** Whether there is one, without making it. */
  lives(): Promise<boolean>;
  /** Keeps it from ending for want of use. @param gone called once, as soon as it is there no longer */
  hold(gone: () => void): Promise<Socket>;
};

export function createConnection(access: SshAccess): Connection {
  const route = resolveRoute(access);
  const env = buildSshEnv(access);
  let connecting: Promise<void> | undefined;
  const lives = async () => {
    const socket = await knock(route.controlPath);
    socket?.destroy();
    return socket !== undefined;
  };
  const make = async () => {
    if (await lives()) return;
    if (!(await isPinned(access))) throw describeUnknownKey(access);
    makeOwnFolder(dirname(route.controlPath));
    await removeStale(route.controlPath);
    await startMaster(access, route, env);
  };
  return {
    access,
    route,
    env,
    lives,
    ensure: () => (connecting ??= make().finally(() => (connecting = undefined))),
    async hold(gone) {
      const socket = await knock(route.controlPath);
      if (socket === undefined) throw explainConnection(access.host, "the connection is gone");
      return socket.unref().once("close", gone);
    },
  };
}

/**
 * A connection that was killed leaves its socket. One that another process has made since it was looked at must stay: it
 * is moved aside first, where it cannot become another's any more, and comes back when somebody answers.
 */
async function removeStale(path: string): Promise<void> {
  if (systemCode(await tryToConnect(path)) !== "ECONNREFUSED") return;
  const aside = `${path}.${randomBytes(4).toString("hex")}`; // no longer than ssh's own while it makes it
  const isAside = await rename(path, aside).then(
    () => true,
    () => false,
  );
  if (!isAside) return; // another process has removed it
  if ((await tryToConnect(aside)) === undefined) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
}

/** The error; undefined when somebody answers. */
async function tryToConnect(path: string): Promise<unknown> {
  const socket = connectSocket(path);
  const error = await new Promise<unknown>((resolve) => {
    socket.once("connect", () => resolve(undefined)).once("error", resolve);
  });
  socket.destroy();
  return error;
}

/** A socket to whoever keeps the connection, which counts as use while it is open (channels.c, channel_still_open). */
function knock(path: string): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connectSocket(path);
    socket.once("connect", () => resolve(socket.resume()));
    socket.on("error", () => resolve(undefined));
  });
}

/** A host that takes no more newcomers at the moment says so by hanging up: sshd_config(5), MaxStartups. */
const hungUp = /kex_exchange_identification|Connection (?:reset|closed)/;

async function startMaster(access: SshAccess, route: SshRoute, env: NodeJS.ProcessEnv): Promise<void> {
  let made = await runMaster(route, env);
  if (!made.connected && hungUp.test(made.stderr)) made = await runMaster(route, env);
  const { connected, stderr } = made;
  if (connected) return;
  throw isKeyRefused(stderr) ? await describeChangedKey(access) : explainConnection(access.host, stderr);
}

/**
 * It ends with 0 as soon as it has gone into the background with a connection. One that finds the socket made by
 * another process meanwhile would stay in the foreground for ever; the other's serves.
 */
function runMaster(route: SshRoute, env: NodeJS.ProcessEnv): Promise<{ connected: boolean; stderr: string }> {
  const [program, ...operands] = buildMaster(route);
  return new Promise((resolve, reject) => {
    const child = spawn(program, operands, {
      env,
      stdio: [route.ask ? "inherit" : "ignore", "ignore", "pipe"],
      detached: !route.ask, // a question needs the terminal
    });
    let stderr = "";
    let connected = false;
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
      if (!stderr.includes("already exists, disabling multiplexing")) return;
      connected = true;
      child.kill("SIGTERM");
    });
    child.once("error", (error) =>
      reject(
        systemCode(error) === "ENOENT"
          ? new SestaError("COMMAND_MISSING", "ssh was not found", { hint: "Install OpenSSH." })
          : new SestaError("COMMAND_FAILED", `ssh could not be run: ${messageOf(error)}`),
      ),
    );
    const end = (code: number | null) => resolve({ connected: connected || code === 0, stderr });
    child.once("close", end);
    child.once("exit", (code) => {
      if (code !== 0 && !connected) return;
      child.stderr.destroy(); // what is in the background may hold it open
      end(code);
    });
  });
}
