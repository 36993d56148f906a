// How long a replica rests before it is started again: longer each time, and very long once it has failed too often.
const firstMs = 500;
const longestMs = 30_000;
const brokenMs = 300_000;
/** After so many failures without a long life in between it is given up, and tried only now and then. */
const tries = 5;

/** @param failures one or more */
export function findRest(failures: number): { isBroken: boolean; restMs: number } {
  if (failures >= tries) return { isBroken: true, restMs: brokenMs };
  return { isBroken: false, restMs: Math.min(longestMs, firstMs * 2 ** (failures - 1)) };
}
