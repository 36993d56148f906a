// rsync over the shared connection, with its progress and with what its exit codes mean.
import { spawn } from "node:child_process";
import { buildRsyncShell, isNotOpened } from "../../commands/ssh.ts";
import { isRsync, parseRsyncProgress, type RsyncPlaces } from "../../commands/rsync.ts";
import { SestaError } from "../../base/errors.ts";
import { interrupted } from "../interrupted.ts";
import type { Argv } from "../machine.ts";
import { connectionMark } from "../own-connection.ts";
import { runHere } from "./access.ts";
import { explainBreak, lastLine } from "./failure.ts";
import type { Link } from "./link.ts";
import { NotOpened, retryUnopened } from "./not-opened.ts";

/**
 * "done", or "partial" when some of the files could not be read or have gone (rsync(1): 23, 24), or "unable" when the
 * two cannot speak with each other.
 */
type RsyncEnd = "done" | "partial" | "unable";

type RsyncRun = {
  /** Bytes of paths, one in each character. */
  files: readonly string[];
  signal?: AbortSignal | undefined;
  onBytes: (doneBytes: number) => void;
};

/** Whether both ends have it. @param theirs what `rsync --version` says there */
export async function haveRsync({ connection }: Link, theirs: string): Promise<boolean> {
  if (!isRsync(theirs)) return false;
  const known = ours.get(connection) ?? runHere(["rsync", "--version"], connection.env);
  ours.set(connection, known);
  return isRsync((await known).stdout);
}

const ours = new WeakMap<Link["connection"], ReturnType<typeof runHere>>();

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
export async function runRsync({ connection, sessions }: Link, argv: Argv, run: RsyncRun): Promise<RsyncEnd> {
  const { host } = connection.access;
  const { signal } = run;
  if (signal?.aborted) throw interrupted("rsync", signal);
  await connection.ensure();
  const leave = await sessions.enter(signal).catch(() => {
    throw interrupted("rsync", signal);
  });
  const once = async () => {
    const ended = await execute(argv, connection.env, run);
    if (isNotOpened(ended.stderr)) throw new NotOpened(host, ended.stderr);
    return ended;
  };
  const { code, stderr } = await retryUnopened(connection, "rsync", once, signal).finally(leave);
  if (signal?.aborted) throw interrupted("rsync", signal);
  if (code === 0) return "done";
  if (/No space left|Disk quota/i.test(stderr))
    throw new SestaError("DISK_FULL", `The disk is full: ${lastOwn(stderr)}`, {
      hint: "Free some space and try again.",
    });
  if (code === 23 || code === 24) return "partial";
  if (code === 255 || !(await connection.lives())) throw explainBreak(host, "rsync", stderr);
  if (unableCodes.has(code)) return "unable";
  throw new SestaError(
    "TRANSFER",
    `Files could not be moved between here and ${host.name}: ${lastOwn(stderr)}`,
  );
}

/** rsync(1): usage, protocol, an action that is not supported, the stream; and of shells, that there is no rsync. */
const unableCodes = new Set([1, 2, 4, 12, 126, 127]);

async function execute(
  [program, ...operands]: Argv,
  env: NodeJS.ProcessEnv,
  { files, signal, onBytes }: RsyncRun,
): Promise<{ code: number; stderr: string }> {
  const child = spawn(program, operands, { env, stdio: ["pipe", "pipe", "pipe"], detached: true });
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
  });
  signal?.removeEventListener("abort", stop);
  return { code, stderr };
}

/** The line that says what happened, not rsync's summary behind it. */
function lastOwn(stderr: string): string {
  const lines = stderr.split("\n").filter((line) => line !== "" && !line.startsWith("rsync error: "));
  return lines.at(-1) ?? lastLine(stderr);
}
