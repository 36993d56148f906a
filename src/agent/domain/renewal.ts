// When a certificate is asked for: at first, early before it ends, and later and later where that fails.
import type { KeptCertificate } from "./certificate-file.ts";

/** Let's Encrypt lets five tries fail in an hour for each name; the third waits so that two people may ask as well. */
const pausesMs = [60_000, 600_000, 1_800_000, 3_600_000, 4 * 3_600_000];
/** Renewed with a third of its time left, as CAs advise. */
const renewedAt = 2 / 3;
/** One that is there is not asked for again before this much of its time: a clock that is years ahead is no hurry. */
const leastOfTime = 1 / 10;

export type Validity = { from: number; until: number };

/** Milliseconds until the next try; 0: now. */
export function untilNextTry(
  kept: Pick<KeptCertificate, "failures" | "triedAt"> | undefined,
  validity: Validity | undefined,
  now: number,
): number {
  const lengthMs = validity ? validity.until - validity.from : 0;
  const dueAt = validity ? validity.from + lengthMs * renewedAt : now;
  if (!kept) return Math.max(0, dueAt - now);
  const pause = pausesMs[Math.min(kept.failures, pausesMs.length) - 1] ?? lengthMs * leastOfTime;
  // A clock that was set back makes nobody wait longer than a pause.
  const rested = Math.min(Math.max(kept.triedAt + pause - now, 0), pause);
  return Math.max(0, dueAt - now, rested);
}

/** Whether somebody who asks now need not wait for that: the last try is a minute old. */
export function mayTryAgain({ triedAt }: Pick<KeptCertificate, "triedAt">, now: number): boolean {
  return Math.abs(now - triedAt) >= 60_000;
}
