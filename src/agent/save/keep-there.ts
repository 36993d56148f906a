// Pays what is owed to the remote: at once, and in growing intervals while it cannot be reached.
import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import type { SaveProblem } from "../../model/save.ts";
import { deliver, isOwed, meetRemote } from "./delivery.ts";
import { explainFailure } from "./failure.ts";
import { backoffMs } from "./pace.ts";
import { createRest } from "./rest.ts";
import type { Saving } from "./saving.ts";
import { createTurn } from "./turn.ts";

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
  const there = createTurn();
  const rest = createRest(clock);
  let problem: SaveProblem | null = null;
  let failures = 0;
  let tryAt: number | null = null;

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
  const pass = (check: boolean, signal: AbortSignal): Promise<boolean> =>
    there.run(async () => {
      if (needsToken() || signal.aborted) return false;
      await open();
      const failure = await deliver(saving, check, signal).catch(explainFailure);
      if (signal.aborted) return false;
      if (failure) failed(failure);
      else settled();
      const owes = await isOwed(saving);
      if (!failure && owes) tryAt ??= clock.monotonic(); // saved meanwhile
      tell();
      return !failure && !owes;
    });

  return {
    /** False, too, when the signal aborts first: another pass may hang at the remote for long. */
    reach: (check: boolean, signal: AbortSignal): Promise<boolean> =>
      Promise.race([pass(check, signal), untilAborted(signal)]),
    /** The first contact, unless it was made. @throws RemoteError */
    meet: (signal: AbortSignal): Promise<void> => there.run(() => meetRemote(saving, signal)),
    problem: (): SaveProblem | null => problem,
    /** Something is owed now; during a problem its interval goes on. */
    owed(): void {
      tryAt ??= clock.monotonic();
      rest.wake();
    },
    /** What stood in the way may be gone: the next try is now. */
    retry(): void {
      failures = 0;
      tryAt = clock.monotonic();
      rest.wake();
    },
    /** Until the signal aborts. */
    async keep(signal: AbortSignal): Promise<void> {
      while (!signal.aborted) {
        if (tryAt === null || tryAt > clock.monotonic() || needsToken()) {
          await rest.rest(tryAt === null || needsToken() ? null : tryAt - clock.monotonic(), signal);
          continue;
        }
        tryAt = null;
        await pass(false, signal).catch((error: unknown) => failed(explainFailure(error)));
      }
    },
  };
}

function untilAborted(signal: AbortSignal): Promise<false> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(false);
    signal.addEventListener("abort", () => resolve(false), { once: true });
  });
}
