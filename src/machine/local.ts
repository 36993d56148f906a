// This machine, as a Machine.
import { mkdir, statfs } from "node:fs/promises";
import { arch, availableParallelism, platform, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { writeAtomic } from "../base/atomic-file.ts";
import { messageOf, SestaError } from "../base/errors.ts";
import type { Argv, Machine, Ran, RunOptions } from "./machine.ts";
import { startDetached } from "./start-detached.ts";

export function createLocalMachine(env: NodeJS.ProcessEnv): Machine {
  return {
    name: "local",
    run: (argv, options = {}) => run(argv, { ...options, env: { ...env, ...options.env } }),
    start: (argv, options) => startDetached(argv, { ...options, env: { ...env, ...options.env } }),
    put: async (files, to) => {
      for (const [path, content] of Object.entries(files)) {
        await mkdir(dirname(join(to, path)), { recursive: true, mode: 0o700 });
        await writeAtomic(join(to, path), content);
      }
    },
    freeBytes: async (path) => {
      const { bavail, bsize } = await statfs(path);
      return bavail * bsize;
    },
    facts: async () => ({
      system: platform() === "darwin" ? "darwin" : "linux",
      arch: arch(),
      cores: availableParallelism(),
      memoryBytes: totalmem(),
    }),
  };
}

async function run([program, ...operands]: Argv, options: RunOptions): Promise<Ran> {
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
  if (result.isCanceled) {
    const reason: unknown = options.signal?.reason;
    throw reason instanceof SestaError ? reason : new SestaError("INTERRUPTED", `${program} was stopped`);
  }
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
