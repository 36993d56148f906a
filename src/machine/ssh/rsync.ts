// rsync over the shared connection, with its progress and with what its exit codes mean.
import { spawn } from "node:child_process";
import { buildRsyncShell } from "../../commands/ssh.ts";
import { isRsync, parseRsyncProgress, type RsyncPlaces } from "../../commands/rsync.ts";
import { SestaError } from "../../base/errors.ts";
import { interrupted } from "../interrupted.ts";
import type { Argv } from "../machine.ts";
import { connectionMark } from "../own-connection.ts";
import { runHere } from "./access.ts";
import { explainBreak, lastLine } from "./failure.ts";
import type { Link } from "./link.ts";

/**
 * "done", or "partial" when some of the files could not be read or have gone (rsync(1): 23, 24), or "unable" when the
 * two cannot speak with each other.
 */
export type RsyncEnd = "done" | "partial" | "unable";

export type RsyncRun = {
  /** Bytes of paths, one in each character. */
  files: readonly string[];
  signal?: AbortSignal | undefined;
  onBytes: (doneBytes: number) => void;
};

/** Whether both ends have it. @param theirs what `rsync --version` says there */
export async function haveRsync({ connection }: Link, theirs: string): Promise<boolean> {
  if (!isRsync(theirs)) return false;
  const { stdout } = await runHere(["rsync", "--version"], connection.env);
  return isRsync(stdout);
}

export function placesOf({ connection }: Link, here: string, there: string): RsyncPlaces {
  return {
    shell: buildRsyncShell(connection.route),
    mark: `${connectionMark}=1`,
    host: connection.access.host.host,
    here,
    there,
  };
}

/** @throws SestaError SSH_CONNECTION, DISK_FULL, TRANSFER, INTERRUPTED */
export async function runRsync(
  { connection, sessions }: Link,
  [program, ...operands]: Argv,
  { files, signal, onBytes }: RsyncRun,
): Promise<RsyncEnd> {
  const { name } = connection.access.host;
  if (signal?.aborted) throw interrupted("rsync", signal);
  await connection.ensure();
  const leave = await sessions.enter(signal).catch(() => {
    throw interrupted("rsync", signal);
  });
  const child = spawn(program, operands, {
    env: connection.env,
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  const stop = () => child.kill("SIGTERM");
  signal?.addEventListener("abort", stop, { once: true });
  if (signal?.aborted) stop();
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr = (stderr + text).slice(-16_384)));
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    const bytes = parseRsyncProgress(text);
    if (bytes !== undefined) onBytes(bytes);
  });
  child.stdin.on("error", () => undefined);
  child.stdin.end(Buffer.from(files.map((path) => `./${path}\0`).join(""), "latin1"));
  const code = await new Promise<number>((resolve) => {
    child.once("error", () => resolve(127));
    child.once("close", (exitCode) => resolve(exitCode ?? 128));
  }).finally(() => {
    signal?.removeEventListener("abort", stop);
    leave();
  });
  if (signal?.aborted) throw interrupted("rsync", signal);
  if (code === 0) return "done";
  if (/No space left|Disk quota/i.test(stderr))
    throw new SestaError("DISK_FULL", `The disk is full: ${lastOwn(stderr)}`, {
      hint: "Free some space and try again.",
    });
  if (code === 23 || code === 24) return "partial";
  if (!(await connection.lives()) || code === 255)
    throw explainBreak(connection.access.host, "rsync", stderr);
  if (code === 1 || code === 2 || code === 4 || code === 12 || code === 126 || code === 127) return "unable";
  throw new SestaError("TRANSFER", `Files could not be moved between here and ${name}: ${lastOwn(stderr)}`);
}

/** The line that says what happened, not rsync's summary behind it. */
function lastOwn(stderr: string): string {
  const lines = stderr.split("\n").filter((line) => line !== "" && !line.startsWith("rsync error: "));
  return lines.at(-1) ?? lastLine(stderr);
}
