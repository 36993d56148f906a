// Runs a program on this machine to its end.
import { messageOf, SestaError } from "../../base/errors.ts";
import { interrupted } from "../interrupted.ts";
import type { Argv, Ran, RunOptions } from "../machine.ts";

/** See `Machine.run`. @param options with the whole environment */
export async function runLocal([program, ...operands]: Argv, options: RunOptions): Promise<Ran> {
  const { execa } = await import("execa"); // slow to load, and most verbs run nothing
  const child = execa(program, operands, {
    reject: false,
    extendEnv: false,
    stdin: options.input === undefined ? "ignore" : "pipe",
    ...(options.env && { env: options.env }),
    ...(options.cwd !== undefined && { cwd: options.cwd }),
    ...(options.input !== undefined && { input: options.input }),
    ...(options.timeoutMs !== undefined && { timeout: options.timeoutMs }),
    ...(options.signal && { cancelSignal: options.signal }),
  });
  const { onLine } = options;
  const read = async (from: "stdout" | "stderr") => {
    if (onLine) for await (const line of child.iterable({ from })) onLine(line);
  };
  await Promise.all([read("stdout"), read("stderr")]);
  const result = await child;
  if (result.isCanceled) throw interrupted(program, options.signal);
  if (result.timedOut) {
    throw new SestaError("COMMAND_FAILED", `${program} did not end within ${options.timeoutMs} ms`);
  }
  if (result.code === "ENOENT") {
    throw new SestaError("COMMAND_MISSING", `${program} was not found`, { hint: `Install ${program}.` });
  }
  if (result.exitCode === undefined && result.signal === undefined) {
    throw new SestaError("COMMAND_FAILED", `${program} could not be run: ${messageOf(result.cause)}`);
  }
  return { exitCode: result.exitCode ?? 128, stdout: String(result.stdout), stderr: String(result.stderr) };
}
