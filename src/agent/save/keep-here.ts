// Keeps a workspace saved on this machine: looks when something changed, and tries again what could not be saved.
import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import type { SaveProblem } from "../../model/save.ts";
import { dueAt } from "./pace.ts";
import { explainFailure, type Failure } from "./failure.ts";
import { createRest } from "./rest.ts";
import type { Snapshots } from "./commit/snapshots.ts";
import type { Taken, TakeOptions } from "./commit/taken.ts";
import type { Turn } from "./turn.ts";

/** What cannot be saved here, such as on a full disk, is tried again after this long. */
const alarmPauseMs = 10_000;
/** When something is heard meanwhile, which may be its end. */
const heardPauseMs = 2_000;

export type KeepHereContext = {
  clock: Clock;
  log: Log;
  snapshots: Snapshots;
  here: Turn;
  everyMs: () => number;
  without: () => ReadonlySet<string>;
  /** Everything that must be there before the first look. */
  open: () => Promise<void>;
  /** After each look; when it rejects, it is asked again soon. */
  looked: (taken: Taken) => Promise<void>;
};

export type KeepHere = ReturnType<typeof createKeepHere>;

export function createKeepHere({
  clock,
  log,
  snapshots,
  here,
  everyMs,
  without,
  open,
  looked,
}: KeepHereContext) {
  const rest = createRest(clock);
  let change: { earlierAt: number; firstChangeAt: number; lastChangeAt: number } | null = null;
  let touchedAt = -Infinity;
  let lastSaveAt = -Infinity;
  let taken: Taken | null = null;
  let alarm: SaveProblem | null = null;
  let alarmAt = 0;

  const touched = () => {
    const now = clock.monotonic();
    change = { ...(change ?? { earlierAt: touchedAt, firstChangeAt: now }), lastChangeAt: now };
    touchedAt = now;
    rest.wake();
  };
  const raise = (found: Failure | null): void => {
    alarmAt = clock.monotonic();
    if (found && found.message !== alarm?.message) log.warn("not saved here", { ...found });
    const since = alarm?.kind === found?.kind ? alarm?.since : undefined;
    alarm = found && { ...found, since: since ?? clock.now(), retryAt: clock.now() + alarmPauseMs };
  };
  const take = async (options: TakeOptions): Promise<Taken> => {
    const before = change;
    change = null;
    lastSaveAt = clock.monotonic();
    try {
      taken = await snapshots.take({ without: without(), ...options });
      if (taken.again) touched();
      raise(taken.alarm);
      await looked(taken);
      return taken;
    } catch (error) {
      change ??= before;
      raise(explainFailure(error));
      throw error;
    }
  };
  // Milliseconds until the next look; null when only a change can bring it.
  const waitMs = (): number | null => {
    if (alarm) return alarmAt + (change ? heardPauseMs : alarmPauseMs) - clock.monotonic();
    if (!change) return null;
    return dueAt({ ...change, lastSaveAt }, everyMs()) - clock.monotonic();
  };

  return {
    touched,
    /** Only within a turn of `here`. */
    take,
    last: (): Taken | null => taken,
    alarm: (): SaveProblem | null => alarm,
    /** Until the signal aborts. */
    async keep(signal: AbortSignal): Promise<void> {
      let full = true;
      while (!signal.aborted) {
        const ms = full && !alarm ? 0 : waitMs();
        if (ms === null || ms > 0) {
          await rest.rest(ms, signal);
          continue;
        }
        try {
          await open();
          const whole = full || alarm !== null;
          await here.run(() => take({ full: whole, acceptDeletions: false }));
          full = false;
        } catch (error) {
          if (signal.aborted) return;
          raise(explainFailure(error));
        }
      }
    },
  };
}
