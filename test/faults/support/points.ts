// How many points a sweep has: a few by default, all of them with SESTA_FAULTS=full.

const full = process.env["SESTA_FAULTS"] === "full";
/** Of what was asked for: the rest is left to the whole sweep, so that every check of a change stays short. */
const share = 0.5;

/** Whole numbers from 0 to `all - 1`: every one of them, or about `some` that are spread evenly, the ends included. */
export function points(some: number, all: number): number[] {
  const count = full ? all : Math.min(Math.max(2, Math.ceil(some * share)), all);
  return Array.from({ length: count }, (_, index) =>
    Math.round((index * (all - 1)) / Math.max(1, count - 1)),
  );
}

/** Milliseconds that a test of `some` points may take, one taking `eachMs` at most. */
export function limitMs(some: number, all: number, eachMs = 5_000): number {
  return 60_000 + eachMs * (full ? all : some);
}
