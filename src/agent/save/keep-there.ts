// Pays what is owed to the remote: at once, and in growing intervals while it cannot be reached.
import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import type { SaveProblem } from "../../model/save.ts";
import { deliver, isOwed, meetRemote } from "./delivery.ts";
import { explainFailure } from "./failure.ts";
import { backoffMs } from "./pace.ts";
import { orAborted } from "./in-time.ts";
import { createRest } from "./rest.ts";
import type { Saving } from "./saving.ts";

export type KeepThereContext = {
  clock: Clock;
  log: Log;
  saving: Saving;
  /** Without its token the remote is not even asked. */
  needsToken: () => boolean;
  open: () => Promise<void>;
  tell: () => void;
};

export type KeepThere = ReturnType<typeof createKeepThere>;

export function createKeepThere({ clock, log, saving, needsToken, open, tell }: KeepThereContext) {
  const { there, snapshots } = saving;
  const rest = createRest(clock);
  let problem: SaveProblem | null = null;
  let failures = 0;
  let tryAt: number | null = null;
  /** Grows whenever something is owed or wanted: what comes during a pass must not be forgotten at its end. */
  let wishes = 0;
  let former = new AbortController();

  const settled = (): void => {
    problem = null;
    failures = 0;
    tryAt = null;
  };
  const failed = (error: { kind: SaveProblem["kind"]; message: string; hint?: string }): void => {
    failures += 1;
    const pauseMs = backoffMs(failures);
    if (problem?.message !== error.message) log.warn("not at the remote", { ...error });
    const since = problem?.kind === error.kind ? problem.since : clock.now();
    problem = { ...error, since, retryAt: clock.now() + pauseMs };
    tryAt = clock.monotonic() + pauseMs;
  };

  /** One pass to the remote. True when it holds the newest save. */
  const pass = (check: boolean, asked: AbortSignal): Promise<boolean> =>
    there.run(async () => {
      const signal = AbortSignal.any([asked, former.signal]);
      if (needsToken() || signal.aborted) return false;
      await open();
      const before = wishes;
      const failure = await deliver(saving, check, signal).catch(explainFailure);
      const owes = await isOwed(saving);
      if (signal.aborted) return false;
      if (failure) failed(failure);
      else {
        settled();
        if (owes || wishes !== before) tryAt = clock.monotonic(); // saved meanwhile
      }
      tell();
      return !failure && !owes;
    });

  return {
    /** False, too, when the signal aborts first: another pass may hang at the remote for long. */
    reach: (check: boolean, signal: AbortSignal): Promise<boolean> =>
      orAborted(pass(check, signal), signal).catch((error: unknown) => {
        if (signal.aborted) return false;
        throw error;
      }),
    /** The first contact, unless it was made. @throws RemoteError, and the signal's reason */
    meet: (signal: AbortSignal): Promise<void> =>
      there.run(async () => {
        signal.throwIfAborted();
        await meetRemote(saving, signal);
      }),
    problem: (): SaveProblem | null => problem,
    /** Something is owed now; during a problem its interval goes on. */
    owed(): void {
      wishes += 1;
      tryAt ??= clock.monotonic();
      rest.wake();
    },
    /** What stood in the way may be gone: the next try is now. */
    retry(): void {
      wishes += 1;
      failures = 0;
      tryAt = clock.monotonic();
      rest.wake();
    },
    /** Another remote is meant from now on: what goes on with the former one ends. */
    elsewhere(): void {
      former.abort();
      former = new AbortController();
      this.retry();
    },
    /** Until the signal aborts. */
    async keep(signal: AbortSignal): Promise<void> {
      while (!signal.aborted) {
        if (tryAt === null || tryAt > clock.monotonic() || needsToken()) {
          await rest.rest(tryAt === null || needsToken() ? null : tryAt - clock.monotonic(), signal);
          continue;
        }
        try {
          await pass(false, signal);
          await there.run(() => snapshots.tidy(signal));
        } catch (error) {
          if (!signal.aborted) failed(explainFailure(error));
        }
      }
    },
  };
}
