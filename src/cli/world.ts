// The process as arguments: the only place that reads its environment, clock and signals.
import { fstatSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { systemClock } from "../base/clock.ts";
import { SestaError, systemCode } from "../base/errors.ts";
import { createLocalMachine } from "../machine/local.ts";
import type { World } from "../operations/context.ts";
import { findCacheFolder } from "./cache-folder.ts";

const graceMs = 3_000;
const quiet = "--disable-warning=ExperimentalWarning";
/**
 * The agent mostly waits, for weeks, on people's own machines. Without V8's optimizing compilers (Turbofan, Maglev)
 * 7 MB of them and what they make are never in memory, and its work, which is reading, hashing and regular
 * expressions, takes as long; a young generation of 1 MB is enough for it, where V8 would let it grow to 32 MB. With
 * 10,000 files to save: 67 MB instead of 122.
 */
export const agentFlags = [
  "--max-semi-space-size=1",
  "--optimize-for-size",
  "--no-opt",
  "--no-maglev",
] as const;
/**
 * Where it balances requests they are what it mostly does: 8 MB of young generation, which `--optimize-for-size` would hold
 * at 1 MB, take a third of the CPU time of each request away.
 */
export const servingFlags = ["--max-semi-space-size=8"] as const;

export function createWorld(): World {
  const { env } = process;
  return {
    clock: systemClock,
    env,
    pid: process.pid,
    cacheFolder: findCacheFolder(env),
    agentCommand: [process.execPath, quiet],
    agentProgram: beside("agent"),
    loadAgent: () => loadProgram("agent"),
    modelServer: {
      node: process.execPath,
      program: beside("model-server"),
      load: () => loadProgram("model-server"),
      findRuntime: findOnnxRuntime,
    },
    acmeClient: { node: process.execPath, program: beside("acme"), load: () => loadProgram("acme") },
    agentFlags: (serves) => (serves ? servingFlags : agentFlags),
    gatewayCommand: [process.execPath, quiet, beside("main"), "gateway", "--background"],
    signal: interruption(),
    printsTo: [process.stdout.fd, process.stderr.fd].flatMap(findPrinted),
    asks: process.stdin.isTTY === true && process.stderr.isTTY === true,
  };
}

function findPrinted(fd: number): { dev: number; ino: number }[] {
  try {
    const found = fstatSync(fd);
    return found.isFile() ? [{ dev: found.dev, ino: found.ino }] : [];
  } catch {
    return []; // it is closed
  }
}

/** What runs beside the agent, as a process of its own. */
type Program = "model-server" | "acme";

/** The published form has it; from a checkout it is bundled. */
async function loadProgram(entry: "agent" | Program): Promise<string> {
  const here = fileURLToPath(import.meta.url);
  if (!here.endsWith(".ts")) return readFile(beside(entry), "utf8");
  const script = join(here, "..", "..", "..", "scripts", `bundle-${entry}.ts`);
  const { exitCode, stdout, stderr } = await createLocalMachine(process.env).run([
    process.execPath,
    quiet,
    script,
  ]);
  if (exitCode === 0) return stdout;
  throw new Error(`the ${entry} could not be bundled: ${stderr}`);
}

// In the sources `main.ts` is a folder above; in the bundle every entry is in one folder.
function beside(entry: "agent" | "main" | Program): string {
  const here = fileURLToPath(import.meta.url);
  const ending = entry === "agent" || entry === "main" ? "js" : "mjs";
  if (!here.endsWith(".ts")) return join(here, "..", `${entry}.${ending}`);
  return join(here, "..", "..", entry === "main" ? "main.ts" : `${entry}/main.ts`);
}

/** The folder of the package, an optional dependency. */
function findOnnxRuntime(): string | undefined {
  try {
    return dirname(createRequire(import.meta.url).resolve("onnxruntime-node/package.json"));
  } catch {
    return undefined;
  }
}

// The first Ctrl-C lets the verb end in order; a second one, or a verb that takes too long over it, ends at once.
function interruption(): AbortSignal {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort(new SestaError("INTERRUPTED", "Stopped; what was begun can be continued"));
    setTimeout(() => process.exit(130), graceMs).unref();
  };
  process.on("SIGINT", stop).on("SIGTERM", stop);
  // Whoever read this has closed its end, as `head` does: what goes on ends in order, as with Ctrl-C.
  const unread = (error: unknown) => {
    if (systemCode(error) !== "EPIPE") throw error;
    if (!controller.signal.aborted) stop();
  };
  process.stdout.on("error", unread);
  process.stderr.on("error", unread);
  return controller.signal;
}
