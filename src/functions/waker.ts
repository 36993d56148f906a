// Looks at the machine, and starts it where it is stopped; remembers for a minute why it could not be.
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { CloudProblem, type SeenMachine, type WakeMachine } from "./wake-machine.ts";

export type Looked =
  | { kind: "seen"; /** Undefined: it is gone for good. */ machine: SeenMachine | undefined }
  | { kind: "failed"; reason: string; retryAfterSeconds: number }
  | { kind: "delayed"; reason: string; retryAfterSeconds: number };

export type Waker = {
  look(): Promise<Looked>;
  /** @param atOnce also where it has just failed */
  wake(atOnce: boolean): Promise<Looked>;
};

/** As at the gateway: a failed start is not tried again by reloading before this. */
const failedRestMs = 60_000;
const delayedSeconds = 5;

export function createWaker(machine: WakeMachine, clock: Clock, log: Log): Waker {
  let failed: { at: number; reason: string } | undefined;

  const look = share(() => told(async () => ({ kind: "seen", machine: await machine.look() })));
  const wakeAtOnce = share(() => wakeUnless(false));
  const wakeRested = share(() => wakeUnless(true));

  function wakeUnless(rests: boolean): Promise<Looked> {
    return told(async () => {
      const seen = await machine.look();
      if (seen?.state !== "stopped") {
        failed = undefined;
        return { kind: "seen", machine: seen };
      }
      const restMs = failed ? failed.at + failedRestMs - clock.monotonic() : 0;
      if (failed && restMs > 0 && rests) return tellFailed(failed.reason, restMs);
      return start(seen);
    });
  }

  /** The mark goes first: a machine that runs with the mark of an earlier start would seem to answer. */
  async function start(seen: SeenMachine): Promise<Looked> {
    try {
      if (seen.mark !== undefined) await machine.unmark();
      await machine.start();
    } catch (error) {
      return overtaken(error);
    }
    failed = undefined;
    log.info("started the machine");
    return { kind: "seen", machine: { ...seen, state: "starting", mark: undefined } };
  }

  /** Of many who ask at once some are refused because another one has started it: then that is what counts. */
  async function overtaken(error: unknown): Promise<Looked> {
    const seen = await machine.look();
    if (seen?.state !== "stopped") return { kind: "seen", machine: seen };
    if (!(error instanceof CloudProblem) || error.isPassing) throw error;
    failed = { at: clock.monotonic(), reason: error.message };
    log.error("the machine could not be started", { code: error.code });
    return tellFailed(error.message, failedRestMs);
  }

  async function told(work: () => Promise<Looked>): Promise<Looked> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof CloudProblem)) throw error;
      log.warn("the cloud did not answer as it should", { code: error.code });
      return { kind: "delayed", reason: error.message, retryAfterSeconds: delayedSeconds };
    }
  }

  return { look, wake: (atOnce) => (atOnce ? wakeAtOnce() : wakeRested()) };
}

/** Whoever asks while it is under way gets its result too. */
function share<Result>(work: () => Promise<Result>): () => Promise<Result> {
  let running: Promise<Result> | undefined;
  return () => (running ??= work().finally(() => (running = undefined)));
}

function tellFailed(reason: string, restMs: number): Looked {
  return { kind: "failed", reason, retryAfterSeconds: Math.ceil(restMs / 1000) };
}
