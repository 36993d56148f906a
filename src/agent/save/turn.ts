// Lets one piece of work run at a time, in the order in which they were asked for.

export type Turn = { run<T>(work: () => Promise<T>): Promise<T> };

export function createTurn(): Turn {
  let last: Promise<unknown> = Promise.resolve();
  return {
    run<T>(work: () => Promise<T>): Promise<T> {
      const mine = last.then(work, work);
      last = mine.catch(() => undefined);
      return mine;
    },
  };
}
