// Starts a process that nobody's death takes along, and that a second start never doubles.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { messageOf, SestaError } from "../base/errors.ts";
import { findIdentity, readStartTime, type Identity } from "./identity.ts";
import type { Argv, StartOptions } from "./machine.ts";

/** Every process of a start inherits this variable, with the start's id; agents and gateways never do. */
export const strayMark = "SESTA_START";

/**
 * Given to `sh -c` with the claim and the program. The new process itself takes the claim and writes its id and start
 * time before it becomes the program, so there is no moment at which it runs and no file tells of it. Where that cannot
 * be written, nothing runs.
 */
export const takeClaim =
  'mkdir "$0/claimed" 2>/dev/null || exit 0; ' +
  "{ read -r started </proc/$$/stat; } 2>/dev/null || started=$(TZ=UTC0 LC_ALL=C ps -o lstart= -p $$); " +
  'echo "$$ $started" >"$0/pid.new" && mv "$0/pid.new" "$0/pid" && exec "$@"';

export async function startDetached(argv: Argv, options: StartOptions): Promise<Identity> {
  const first = await findClaimed(options.claim);
  if (first) return first;
  await mkdir(options.claim, { recursive: true, mode: 0o700 });
  const log = await open(options.logFile, "a", 0o600);
  try {
    await spawned(argv, options, log.fd);
  } finally {
    await log.close();
  }
  return waitForClaim(options.claim, argv[0]);
}

/** The process that took this claim: undefined when none did, or when it has ended, whoever has its id by now. */
export async function findClaimed(claim: string): Promise<Identity | undefined> {
  const written = await readFile(join(claim, "pid"), "utf8").catch(() => undefined);
  if (written === undefined) return undefined;
  const [, pid, started = ""] = /^(\d+) (.*)$/.exec(written.trim()) ?? [];
  const identity = await findIdentity(Number(pid));
  const startTime = process.platform === "linux" ? readStartTime(started) : started.trim();
  return identity?.startTime === startTime ? identity : undefined;
}

function spawned(argv: Argv, options: StartOptions, logFd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn("/bin/sh", ["-c", takeClaim, options.claim, ...argv], {
      cwd: options.cwd,
      env: defined(options.env),
      detached: true,
      stdio: ["ignore", logFd, logFd],
    });
    child.once("spawn", () => {
      child.unref();
      resolve();
    });
    child.once("error", (error) =>
      reject(new SestaError("COMMAND_FAILED", `${argv[0]} could not be started: ${messageOf(error)}`)),
    );
  });
}

async function waitForClaim(claim: string, program: string): Promise<Identity> {
  for (let waitedMs = 0; waitedMs < 5_000; waitedMs += 2) {
    const written = existsSync(join(claim, "pid"));
    const identity = await findClaimed(claim);
    if (identity) return identity;
    if (written) throw new SestaError("START_FAILED", `${program} ended at once`);
    await delay(2);
  }
  throw new SestaError("START_FAILED", `${program} was not started`);
}

function defined(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
