// One program on the host, with its streams here and its true end.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { buildLine, buildLoader, type RemoteCommand } from "../../commands/remote-shell.ts";
import { buildCommand, isNotOpened } from "../../commands/ssh.ts";
import { SestaError } from "../../base/errors.ts";
import { interrupted } from "../interrupted.ts";
import type { Argv, OpenOptions, Process } from "../machine.ts";
import { connectionMark } from "../own-connection.ts";
import type { Relay } from "../relay.ts";
import type { Connection } from "./connection.ts";
import { explainBreak, explainConnection, isKeyRefused } from "./failure.ts";
import { describeChangedKey } from "./host-key.ts";
import { dropNoise, readMarkers, type Marker } from "./markers.ts";
import { NotOpened, retryUnopened } from "./not-opened.ts";
import type { Sessions } from "./sessions.ts";

const killAfterS = 5;
/** After a stop, for a host that does not answer. */
const giveUpMs = 15_000;

/**
 * Resolves when the program is about to begin.
 * @throws SestaError SSH_CONNECTION, HOST_KEY_UNKNOWN, HOST_KEY_CHANGED, INTERRUPTED; `ended` also COMMAND_MISSING
 */
export async function openRemote(
  connection: Connection,
  sessions: Sessions,
  argv: Argv,
  { cwd, env, signal }: OpenOptions = {},
): Promise<Process> {
  const refuseWhenOver = () => {
    if (signal?.aborted) throw interrupted(argv[0], signal);
  };
  refuseWhenOver();
  await connection.ensure();
  const leave = await sessions.enter(signal).catch(() => {
    throw interrupted(argv[0], signal);
  });
  const nonce = `sesta-${randomBytes(12).toString("hex")}`;
  const begin = async () => {
    refuseWhenOver();
    const { begun, process } = converse(connection, { argv, cwd, env, nonce }, signal);
    if (!(await begun)) await process.ended;
    return process;
  };
  try {
    const process = await retryUnopened(connection, argv[0], begin, signal);
    void process.ended.then(leave, leave);
    return process;
  } catch (error) {
    leave();
    refuseWhenOver();
    throw error;
  }
}

function converse(
  connection: Connection,
  command: RemoteCommand,
  signal: AbortSignal | undefined,
): { begun: Promise<boolean>; process: Process } {
  const { host } = connection.access;
  const [program] = command.argv;
  const [ssh, ...operands] = buildCommand(connection.route, buildLoader(`${connectionMark}=1`));
  const child = spawn(ssh, operands, {
    env: connection.env,
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  const seen = new Map<string, number>();
  const begun = Promise.withResolvers<number | undefined>();
  const onMarker = ({ word, number }: Marker) => {
    seen.set(word, number);
    if (word === "begin") begun.resolve(number);
    if (word === "end") stderr.letGo();
  };
  const { noise, ...stderr } = readMarkers(child.stderr, command.nonce, onMarker);
  const stdout: Relay = dropNoise(child.stdout, command.nonce, () => stdout.letGo());
  // Whom the program left behind may hold the streams there: ssh would wait for all of them.
  const leave = () => seen.has("end") && child.stdout.closed && child.stderr.closed && child.kill();
  for (const stream of [child.stdout, child.stderr]) stream.once("close", leave);
  child.stdin.on("error", () => undefined); // `ended` tells
  child.stdin.write(buildLine(command));

  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const stop = () => {
    if (stopped || child.exitCode !== null) return;
    stopped = true;
    timer = setTimeout(() => child.kill("SIGKILL"), giveUpMs);
    void begun.promise.then((pid) => pid !== undefined && endGroup(connection, pid));
  };
  signal?.addEventListener("abort", stop, { once: true });

  const closed = new Promise<number>((resolve, reject) => {
    child.once("error", (error) =>
      reject(new SestaError("COMMAND_FAILED", `ssh could not be run: ${error.message}`)),
    );
    child.once("close", (code) => resolve(code ?? 128));
  });
  const judge = async (code: number): Promise<{ exitCode: number }> => {
    if (seen.has("cwd"))
      throw new SestaError(
        "COMMAND_FAILED",
        `${program} could not be run: there is no folder ${command.cwd} on ${host.name}`,
      );
    const refused = seen.get("exec");
    if (refused === 127)
      throw new SestaError("COMMAND_MISSING", `${program} was not found on ${host.name}`, {
        hint: `Install ${program} on ${host.name}.`,
      });
    if (refused !== undefined)
      throw new SestaError("COMMAND_FAILED", `${program} could not be run on ${host.name}`);
    const exitCode = seen.get("end");
    if (exitCode !== undefined) return { exitCode };
    if (stopped) return { exitCode: 137 };
    if (!seen.has("begin")) {
      if (isNotOpened(noise())) throw new NotOpened(host, noise());
      if (isKeyRefused(noise())) throw await describeChangedKey(connection.access);
      throw explainConnection(host, noise());
    }
    // Its whole group was killed on the host, or the line is gone.
    if (code === 255 && (await connection.lives())) return { exitCode: 137 };
    throw explainBreak(host, program);
  };
  const ended = closed.then(judge).finally(() => {
    begun.resolve(undefined);
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  });
  ended.catch(() => undefined); // whoever awaits it hears of it
  return {
    begun: begun.promise.then((pid) => pid !== undefined),
    process: { stdin: child.stdin, stdout: stdout.stream, stderr: stderr.stream, ended, stop },
  };
}

/** sshd ends nothing when a connection without a terminal closes, so the group is signalled by a command of its own. */
function endGroup({ route, env }: Connection, pid: number): void {
  const script =
    `kill -TERM -${pid} || exit 0; left=${killAfterS * 10}; ` +
    `while [ $left -gt 0 ]; do sleep 0.1 2>/dev/null || { sleep 1; left=$((left - 9)); }; ` +
    `kill -0 -${pid} 2>/dev/null || exit 0; left=$((left - 1)); done; ` +
    `kill -KILL -${pid}`;
  const line = buildLine({ argv: ["sh", "-c", script], nonce: "sesta-end" });
  const [ssh, ...operands] = buildCommand(route, buildLoader(`${connectionMark}=1`), { alone: true });
  const child = spawn(ssh, operands, { env, stdio: ["pipe", "ignore", "ignore"], detached: true });
  child.on("error", () => undefined);
  child.stdin.on("error", () => undefined);
  child.stdin.end(line);
  child.unref(); // what is written is on its way, and nobody waits for what comes of it
}
