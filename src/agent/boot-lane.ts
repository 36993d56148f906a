// Lets a few workloads boot at once and the rest wait in the order in which they came.

export type BootLane = {
  /**
   * Runs `work` when it is its turn.
   * @param queued called with how many are before it, whenever that changes while it waits
   * @throws the signal's reason when it is aborted before its turn
   */
  run<Result>(
    work: () => Promise<Result>,
    signal: AbortSignal,
    queued: (before: number) => void,
  ): Promise<Result>;
};

type Waiting = { go: () => void; queued: (before: number) => void };

export function createBootLane(width: number): BootLane {
  const waiting: Waiting[] = [];
  let running = 0;

  const tell = () => waiting.forEach(({ queued }, before) => queued(before));

  function enter(signal: AbortSignal, queued: (before: number) => void): Promise<void> {
    signal.throwIfAborted();
    if (running < width) {
      running += 1;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const leave = () => {
        waiting.splice(waiting.indexOf(mine), 1);
        tell();
        reject(signal.reason as Error);
      };
      const go = () => {
        signal.removeEventListener("abort", leave);
        resolve();
      };
      const mine: Waiting = { go, queued };
      waiting.push(mine);
      signal.addEventListener("abort", leave, { once: true });
      queued(waiting.length - 1);
    });
  }

  // Who goes hands its place on, so that nobody slips in before the first that waits.
  function leave(): void {
    const next = waiting.shift();
    if (!next) return void (running -= 1);
    next.go();
    tell();
  }

  return {
    async run(work, signal, queued) {
      await enter(signal, queued);
      return work().finally(leave);
    },
  };
}
