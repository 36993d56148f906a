// A program on this machine with its streams, and one that is given this terminal.
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { messageOf, SestaError, systemCode } from "../../base/errors.ts";
import { interrupted } from "../interrupted.ts";
import type { Argv, OpenOptions, Process } from "../machine.ts";

const killAfterMs = 5_000;

/** See `Machine.open`. It leads a group of its own, so that all of it can be stopped. @param env the whole environment */
export async function openLocal(
  [program, ...operands]: Argv,
  { cwd, env, signal }: OpenOptions,
): Promise<Process> {
  if (signal?.aborted) throw interrupted(program, signal);
  const child = spawn(program, operands, {
    env: { ...env },
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
    ...(cwd !== undefined && { cwd }),
  });
  child.stdin.on("error", () => undefined); // `ended` tells
  let timer: NodeJS.Timeout | undefined;
  const stop = () => {
    signalGroup(child.pid, "SIGTERM");
    timer ??= setTimeout(() => signalGroup(child.pid, "SIGKILL"), killAfterMs);
  };
  signal?.addEventListener("abort", stop, { once: true });
  const ended = ending(child, program).finally(() => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  });
  ended.catch(() => undefined); // whoever awaits it hears of it
  return { stdin: child.stdin, stdout: child.stdout, stderr: child.stderr, ended, stop };
}

/** See `Machine.interact`. A terminal is inherited when there is one. */
export function interactLocal(
  [program, ...operands]: Argv,
  env: NodeJS.ProcessEnv,
  { cwd }: { cwd?: string },
): Promise<{ exitCode: number }> {
  const child = spawn(program, operands, { env, stdio: "inherit", ...(cwd !== undefined && { cwd }) });
  return ending(child, program);
}

function ending(child: ReturnType<typeof spawn>, program: string): Promise<{ exitCode: number }> {
  return new Promise((resolve, reject) => {
    child.once("error", (error) =>
      reject(
        systemCode(error) === "ENOENT"
          ? new SestaError("COMMAND_MISSING", `${program} was not found`, { hint: `Install ${program}.` })
          : new SestaError("COMMAND_FAILED", `${program} could not be run: ${messageOf(error)}`),
      ),
    );
    child.once("close", (code, signal) =>
      resolve({ exitCode: code ?? 128 + (signal === null ? 0 : constants.signals[signal]) }),
    );
  });
}

function signalGroup(pid: number | undefined, name: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, name);
  } catch {
    // all of it has ended
  }
}
