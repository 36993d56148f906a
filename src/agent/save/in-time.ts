// Gives work a limited time, whether it can be hurried or not.
import type { Clock } from "../../base/clock.ts";

/**
 * @param work is told by its signal when the time is over
 * @throws what `work` throws; the signal's reason when that aborts first, and an AbortError after `ms`
 */
export async function inTime<T>(
  clock: Clock,
  ms: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const done = new AbortController();
  void clock.sleep(ms, AbortSignal.any([signal, done.signal])).then(
    () => over.abort(),
    () => undefined,
  );
  const limited = AbortSignal.any([signal, over.signal]);
  try {
    return await orAborted(work(limited), limited);
  } finally {
    done.abort();
  }
}

/** As the work, unless the signal aborts first; the work goes on unheard then. */
export async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const done = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true, signal: done.signal });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    done.abort();
  }
}
