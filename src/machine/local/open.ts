// A program on this machine with its streams, and one that is given this terminal.
import { spawn, type ChildProcess, type ChildProcessWithoutNullStreams } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { messageOf, SestaError, systemCode } from "../../base/errors.ts";
import { interrupted } from "../interrupted.ts";
import type { Argv, OpenOptions, Process } from "../machine.ts";
import { relay } from "../relay.ts";
import { reachGroup, reachTree } from "./reach.ts";

const killAfterMs = 5_000;
const lookMs = 20;
/** One that waits for a device does not end of KILL either. */
const giveUpMs = 2_000;

/**
 * See `Machine.open`. All that it starts ends with it when it is stopped.
 * @param options.env the whole environment
 * @param options.asks it keeps the terminal of this process, where the user may be asked, and gets its Ctrl-C
 */
export async function openLocal(
  [program, ...operands]: Argv,
  { cwd, env, signal, asks = false }: OpenOptions & { asks?: boolean },
): Promise<Process> {
  if (signal?.aborted) throw interrupted(program, signal);
  const child = start(program, operands, { env, cwd, detached: !asks });
  child.stdin.on("error", () => undefined); // `ended` tells
  const [stdout, stderr] = [relay(child.stdout), relay(child.stderr)];
  const letGo = () => [stdout, stderr].forEach((one) => one.letGo());
  const reach = asks ? reachTree(child) : reachGroup(child);
  const gaveUp = Promise.withResolvers<{ exitCode: number }>();
  let timer: NodeJS.Timeout | undefined;
  const killed = new AbortController();
  const kill = () => {
    killed.abort();
    reach.signal("SIGKILL");
    letGo();
    if (child.exitCode === null && child.signalCode === null)
      timer = setTimeout(() => gaveUp.resolve({ exitCode: 128 + constants.signals.SIGKILL }), giveUpMs);
  };
  const stop = () => {
    reach.signal("SIGTERM");
    timer ??= setTimeout(kill, killAfterMs);
  };
  child.once("exit", () => timer === undefined && letGo());
  signal?.addEventListener("abort", stop, { once: true });
  const restOnceGone = async () => {
    while (!killed.signal.aborted && (await reach.lives())) await delay(lookMs);
    if (!killed.signal.aborted) clearTimeout(timer);
  };
  const ended = Promise.race([ending(child, program, cwd), gaveUp.promise]).finally(() => {
    if (timer !== undefined) void restOnceGone();
    signal?.removeEventListener("abort", stop);
  });
  ended.catch(() => undefined); // whoever awaits it hears of it
  return { stdin: child.stdin, stdout: stdout.stream, stderr: stderr.stream, ended, stop };
}

/** See `Machine.interact`. A terminal is inherited when there is one. */
export function interactLocal(
  [program, ...operands]: Argv,
  env: NodeJS.ProcessEnv,
  { cwd }: { cwd?: string },
): Promise<{ exitCode: number }> {
  const child = spawn(program, operands, { env, stdio: "inherit", ...(cwd !== undefined && { cwd }) });
  return ending(child, program, cwd);
}

type Starting = { env: OpenOptions["env"]; cwd: string | undefined; detached: boolean };

function start(
  program: string,
  operands: string[],
  { env, cwd, detached }: Starting,
): ChildProcessWithoutNullStreams {
  try {
    return spawn(program, operands, {
      env: { ...env },
      stdio: ["pipe", "pipe", "pipe"],
      detached,
      ...(cwd !== undefined && { cwd }),
    });
  } catch (error) {
    throw explain(program, cwd, error);
  }
}

function ending(
  child: ChildProcess,
  program: string,
  cwd: string | undefined,
): Promise<{ exitCode: number }> {
  return new Promise((resolve, reject) => {
    child.once("error", (error) => reject(explain(program, cwd, error)));
    child.once("close", (code, signal) =>
      resolve({ exitCode: code ?? 128 + (signal === null ? 0 : constants.signals[signal]) }),
    );
  });
}

function explain(program: string, cwd: string | undefined, error: unknown): SestaError {
  const isMissing = systemCode(error) === "ENOENT";
  if (isMissing && cwd !== undefined && !existsSync(cwd))
    return new SestaError("COMMAND_FAILED", `${program} could not be run: there is no folder ${cwd}`);
  return isMissing
    ? new SestaError("COMMAND_MISSING", `${program} was not found`, { hint: `Install ${program}.` })
    : new SestaError("COMMAND_FAILED", `${program} could not be run: ${messageOf(error)}`);
}
