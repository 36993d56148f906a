// Runs a program on this machine whose input or output is too long, or too binary, to hold at once.
import { spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { messageOf, SestaError, systemCode } from "../base/errors.ts";
import type { Argv } from "./machine.ts";

type PipeOptions = {
  /** The whole environment. */
  env: Readonly<Record<string, string>>;
  cwd?: string;
  /** TERM when it aborts, and KILL to what is left later; `ended` still resolves. */
  signal?: AbortSignal;
  /** The same when it has written nothing to stderr for this long. Real time: the program runs in it. */
  silenceMs?: number;
};

export type Pipe = {
  pid: number | undefined;
  stdin: Writable;
  stdout: Readable;
  /** With the last 64 KB of stderr. @throws SestaError COMMAND_MISSING, COMMAND_FAILED when it could not be run */
  ended: Promise<PipeEnd>;
};

type PipeEnd = {
  /** 128 when a signal ended it. */
  exitCode: number;
  stderr: string;
  /** It was stopped because it had fallen silent. */
  silent: boolean;
};

const stderrLimit = 64 * 1024;
const killAfterMs = 5_000;
/** A program that it left behind may hold stderr open for ever (ssh with ControlPersist). */
const stderrGraceMs = 2_000;

/**
 * It leads a process group of its own, without a terminal to ask on; what it started ends with it when it is stopped.
 * A write to a program that has ended is no error of its own: `ended` tells.
 */
export function openPipe([program, ...operands]: Argv, { env, cwd, signal, silenceMs }: PipeOptions): Pipe {
  const child = spawn(program, operands, {
    env: { ...env },
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
    ...(cwd !== undefined && { cwd }),
  });
  const timers: NodeJS.Timeout[] = [];
  const stop = () => {
    signalGroup(child.pid, "SIGTERM");
    timers.push(setTimeout(() => signalGroup(child.pid, "SIGKILL"), killAfterMs));
  };
  let silent = false;
  const silence = setTimeout(() => ((silent = true), stop()), silenceMs ?? 0);
  if (silenceMs === undefined) clearTimeout(silence);
  timers.push(silence);
  if (signal?.aborted) stop();
  signal?.addEventListener("abort", stop, { once: true });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-stderrLimit);
    if (silenceMs !== undefined) silence.refresh();
  });
  child.stdin.on("error", () => undefined);
  child.once("exit", () => timers.push(setTimeout(() => child.stderr.destroy(), stderrGraceMs)));
  const ended = new Promise<PipeEnd>((resolve, reject) => {
    child.once("error", (error) => reject(explain(program, error)));
    child.once("close", (code) => resolve({ exitCode: code ?? 128, stderr, silent }));
  }).finally(() => {
    signal?.removeEventListener("abort", stop);
    for (const timer of timers) clearTimeout(timer);
  });
  ended.catch(() => undefined); // whoever awaits it hears of it
  return { pid: child.pid, stdin: child.stdin, stdout: child.stdout, ended };
}

function signalGroup(pid: number | undefined, name: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, name);
  } catch {
    // all of it has ended
  }
}

function explain(program: string, error: Error): SestaError {
  return systemCode(error) === "ENOENT"
    ? new SestaError("COMMAND_MISSING", `${program} was not found`, { hint: `Install ${program}.` })
    : new SestaError("COMMAND_FAILED", `${program} could not be run: ${messageOf(error)}`);
}
