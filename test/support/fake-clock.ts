// A clock that stands still until a test moves it: sleepers wake in order, wall time can jump on its own.
import type { Clock } from "../../src/base/clock.ts";

export type FakeClock = Clock & {
  /** Moves wall and monotonic time on, waking each sleeper at its own moment; resolves when what they did has settled. */
  advance(ms: number): Promise<void>;
  /** Moves wall time only, as a corrected system clock does. */
  jumpWall(ms: number): void;
  /** How many sleepers wait. */
  sleeping(): number;
};

type Sleeper = { wakeAt: number; wake: () => void };

/** @param startedAt wall time in milliseconds since the epoch; monotonic time starts at 0 */
export function createFakeClock(startedAt = Date.UTC(2030, 0, 1)): FakeClock {
  let elapsed = 0;
  let wallOffset = startedAt;
  const sleepers = new Set<Sleeper>();

  function sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const sleeper = { wakeAt: elapsed + Math.max(0, ms), wake: resolve };
      sleepers.add(sleeper);
      signal?.addEventListener(
        "abort",
        () => {
          if (sleepers.delete(sleeper)) reject(signal.reason);
        },
        { once: true },
      );
    });
  }

  async function advance(ms: number): Promise<void> {
    const until = elapsed + ms;
    await settle();
    for (let next = earliest(sleepers, until); next; next = earliest(sleepers, until)) {
      elapsed = Math.max(elapsed, next.wakeAt);
      sleepers.delete(next);
      next.wake();
      await settle();
    }
    elapsed = until;
  }

  return {
    now: () => wallOffset + elapsed,
    monotonic: () => elapsed,
    sleep,
    advance,
    jumpWall: (ms) => void (wallOffset += ms),
    sleeping: () => sleepers.size,
  };
}

function earliest(sleepers: ReadonlySet<Sleeper>, until: number): Sleeper | undefined {
  let first: Sleeper | undefined;
  for (const sleeper of sleepers) {
    if (sleeper.wakeAt <= until && (!first || sleeper.wakeAt < first.wakeAt)) first = sleeper;
  }
  return first;
}

/** Two turns of the event loop: every promise that can go on without time has gone on. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
}
