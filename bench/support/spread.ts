// Times of several subjects of one run as a table: minimum/median/maximum, and the median beside a reference's.

export type Times = ReadonlyMap<string, readonly number[]>;

export function medianOf(values: readonly number[]): number {
  return at(
    values.toSorted((a, b) => a - b),
    0.5,
  );
}

/** `rounds` times each, in turn, the order reversed every other time; one that says undefined is left out of that round. */
export async function interleave(
  rounds: number,
  subjects: readonly (readonly [name: string, measure: () => Promise<number | undefined>])[],
): Promise<Times> {
  const times = new Map<string, number[]>(subjects.map(([name]) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, measure] of round % 2 === 0 ? subjects : subjects.toReversed()) {
      const took = await measure();
      if (took !== undefined) times.get(name)?.push(took);
    }
  }
  return times;
}

/**
 * @param times in milliseconds
 * @param unit what is printed
 * @param reference the subject whose median is 1.00 in the last column
 */
export function buildTable(times: Times, unit: "ms" | "s", reference: string): string {
  const width = Math.max(...[...times.keys()].map((name) => name.length));
  const base = medianOf(times.get(reference) ?? []);
  const write = (ms: number) => (unit === "ms" ? ms.toFixed(0) : (ms / 1000).toFixed(2));
  const lines = [...times].flatMap(([name, values]) => {
    if (values.length === 0) return [];
    const sorted = values.toSorted((a, b) => a - b);
    const figures = [0, 0.5, 1].map((share) => write(at(sorted, share))).join("/");
    return [`${name.padEnd(width)}  ${figures.padStart(17)} ${unit}  ${(at(sorted, 0.5) / base).toFixed(2)}`];
  });
  return lines.join("\n");
}

function at(sorted: readonly number[], share: number): number {
  return sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
}
