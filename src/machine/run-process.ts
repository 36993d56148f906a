// Runs a program of any machine to its end, with its whole output.
import { StringDecoder } from "node:string_decoder";
import type { Readable } from "node:stream";
import { SestaError } from "../base/errors.ts";
import { interrupted } from "./interrupted.ts";
import type { Process, Ran, RunOptions } from "./machine.ts";

/** @param open given a signal that aborts on the caller's, and after `timeoutMs` */
export async function runProcess(
  program: string,
  open: (signal: AbortSignal) => Promise<Process>,
  { input, timeoutMs, signal, onLine }: RunOptions,
): Promise<Ran> {
  const timeout = new AbortController();
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => timeout.abort(), timeoutMs);
  const either = AbortSignal.any([timeout.signal, ...(signal ? [signal] : [])]);
  const refuse = () => {
    if (signal?.aborted) throw interrupted(program, signal);
    if (timeout.signal.aborted)
      throw new SestaError("COMMAND_FAILED", `${program} did not end within ${timeoutMs} ms`);
  };
  try {
    const process = await open(either).catch((error: unknown) => {
      refuse();
      throw error;
    });
    process.stdin.end(input ?? "");
    const [stdout, stderr] = await Promise.all([
      collect(process.stdout, onLine),
      collect(process.stderr, onLine),
    ]);
    const { exitCode } = await process.ended.catch((error: unknown) => {
      refuse();
      throw error;
    });
    refuse();
    return { exitCode, stdout, stderr };
  } finally {
    clearTimeout(timer);
  }
}

/** Without the last new line, as a shell's `$( )` has it. */
async function collect(stream: Readable, onLine: RunOptions["onLine"]): Promise<string> {
  const parts: string[] = [];
  const decoder = new StringDecoder("utf8");
  let rest = "";
  const take = (text: string) => {
    parts.push(text);
    if (!onLine) return;
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) onLine(line);
  };
  for await (const chunk of stream) take(decoder.write(chunk as Buffer));
  take(decoder.end());
  if (rest !== "") onLine?.(rest);
  return parts.join("").replace(/\r?\n$/, "");
}
