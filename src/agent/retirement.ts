// An agent that has nothing to look after, and whom nobody asks anything, ends by itself.
import type { Clock } from "../base/clock.ts";

const lookEveryMs = 60_000;
/** Whoever brings something up asks for the agent first, and may have files to send before the next call. */
const unusedMs = 15 * 60_000;

export type Retirement = {
  clock: Clock;
  /** Whether it has workloads, or somebody watches it. */
  isNeeded(): boolean;
  /** When somebody asked it last, on the monotonic clock. */
  askedAt(): number;
  retire(): void;
  signal: AbortSignal;
};

/**
 * Two may be started at once, by a gateway and a command: one waits for the other's lock. Once that one was told to end,
 * as nothing was up any more, nobody would ever end the second.
 */
export async function retireUnused({ clock, isNeeded, askedAt, retire, signal }: Retirement): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(lookEveryMs, signal).catch(() => undefined);
    if (signal.aborted) return;
    if (!isNeeded() && clock.monotonic() - askedAt() >= unusedMs) return retire();
  }
}
