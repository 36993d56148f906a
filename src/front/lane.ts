// Runs one piece of work at a time, lets a few wait in order, and turns the rest away.

export type Lane = {
  /** The work's own result, or "full" at once when one runs and `waitingLimit` wait. */
  run<Result>(work: () => Promise<Result>): Promise<Result | "full">;
};

export function createLane(waitingLimit: number): Lane {
  let taken = 0;
  let last: Promise<unknown> = Promise.resolve();
  return {
    async run(work) {
      if (taken > waitingLimit) return "full";
      taken++;
      const mine = last.then(work);
      last = mine.catch(() => undefined);
      return mine.finally(() => taken--);
    },
  };
}
