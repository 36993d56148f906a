// Lets one piece of work run at a time, in the order in which they were asked for.

export type Turn = { run<T>(work: () => Promise<T>): Promise<T> };

/** @param closed once it has aborted, whoever asks is refused with its reason; what was asked for before still runs */
export function createTurn(closed?: AbortSignal): Turn {
  let last: Promise<unknown> = Promise.resolve();
  return {
    run<T>(work: () => Promise<T>): Promise<T> {
      if (closed?.aborted) return Promise.reject(closed.reason);
      const mine = last.then(work, work);
      last = mine.catch(() => undefined);
      return mine;
    },
  };
}
