// A command whose processes can be found again: it ends as a whole, also when whoever started it was killed.
import type { Readable } from "node:stream";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../base/clock.ts";
import type { Argv, Machine } from "./machine.ts";
import { findClaimed, strayMark, takeClaim } from "./start-detached.ts";
import { signalGroup } from "./identity.ts";
import { endStrays } from "./strays.ts";

export type MarkedCommand = {
  argv: Argv;
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
  /** All its processes carry it. `ID/PART` is found by `ID` too. */
  mark: string;
  /** A folder of its own, which exists: there it says who it is before it begins. */
  claim: string;
  timeoutMs: number | null;
  signal: AbortSignal;
  /** No more is read while it is not done with a part. */
  onOutput(stream: "stdout" | "stderr", chunk: Buffer): Promise<unknown> | undefined;
};

/** Between being asked and being made to end; a command line that is interrupted has three seconds in all. */
const graceMs = 1_500;

/** Runs to its end, in a process group of its own on this machine. What it leaves in the group ends with it. */
export async function runMarked(
  machine: Machine,
  clock: Clock,
  { argv, cwd, env, mark, claim, timeoutMs, signal, onOutput }: MarkedCommand,
): Promise<{ exitCode: number; timedOut: boolean }> {
  signal.throwIfAborted();
  const process = await machine.open(["/bin/sh", "-c", takeClaim, claim, ...argv], {
    cwd,
    env: { ...env, [strayMark]: mark },
  });
  process.stdin.end();
  let [isEnded, timedOut] = [false, false];
  const over = new AbortController();
  const end = () => {
    isEnded = true;
    process.stop();
    void clock.sleep(graceMs, over.signal).then(
      () => endMarked(clock, mark, [claim], 0),
      () => undefined,
    );
  };
  signal.addEventListener("abort", end, { once: true });
  if (signal.aborted) end();
  const timer =
    timeoutMs === null
      ? undefined
      : setTimeout(() => {
          timedOut = true;
          end();
        }, timeoutMs);
  try {
    const read = [drain(process.stdout, "stdout", onOutput), drain(process.stderr, "stderr", onOutput)];
    const [{ exitCode }] = await Promise.all([process.ended, ...read]);
    await endGroup(claim);
    if (isEnded) await endStrays(clock, mark, 0);
    return { exitCode, timedOut };
  } finally {
    clearTimeout(timer);
    over.abort();
    signal.removeEventListener("abort", end);
  }
}

/** Ends what commands have left, by their claims and by their mark: asks, and makes them once `grace` is over. */
export async function endMarked(
  clock: Clock,
  mark: string,
  claims: readonly string[],
  grace: number,
): Promise<void> {
  const leaders = (await Promise.all(claims.map(findClaimed))).filter((one) => one !== undefined);
  for (const leader of leaders) await signalGroup(leader, grace > 0 ? "SIGTERM" : "SIGKILL");
  await endStrays(clock, mark, grace);
  for (const leader of leaders) await signalGroup(leader, "SIGKILL");
}

async function drain(
  stream: Readable,
  name: "stdout" | "stderr",
  onOutput: MarkedCommand["onOutput"],
): Promise<void> {
  for await (const chunk of stream) await onOutput(name, chunk as Buffer);
}

/** The group outlives its leader for as long as anything is in it, and its number is nobody else's until then. */
async function endGroup(claim: string): Promise<void> {
  const written = await readFile(join(claim, "pid"), "utf8").catch(() => "");
  const leader = Number.parseInt(written, 10);
  if (!(leader > 1)) return;
  try {
    process.kill(-leader, "SIGKILL");
  } catch {
    // nothing is left of it
  }
}
