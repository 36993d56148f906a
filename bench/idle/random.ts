// Seeded randomness, so that a synthetic week is the same week each time.

export type Random = ReturnType<typeof createRandom>;

/** xorshift32 over a scrambled seed; the same seed gives the same numbers on every machine. */
export function createRandom(seed: number) {
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0 || 1;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
  for (let turn = 0; turn < 8; turn += 1) next();
  const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  return {
    chance: (probability: number): boolean => next() < probability,
    between: (low: number, high: number): number => low + (high - low) * next(),
    /** Mostly near the median, now and then many times as long, as waits and durations of people are. */
    around: (median: number, spread: number): number => median * Math.exp(spread * normal()),
  };
}
