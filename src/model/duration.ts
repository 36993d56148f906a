// Durations as people write them: 40m, 10s, 1h30m, 3d; milliseconds inside.

/** Days, hours, minutes, seconds, in this order, each at most once; for the JSON Schema too. */
export const durationPattern = /^(?=\d)(?:\d{1,9}d)?(?:\d{1,9}h)?(?:\d{1,9}m)?(?:\d{1,9}s)?$/;

const unitsMs = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000 } as const;

/** Milliseconds, or undefined for text that is no duration. */
export function findDurationMs(text: string): number | undefined {
  if (!durationPattern.test(text)) return undefined;
  let ms = 0;
  for (const [, digits, unit] of text.matchAll(/(\d+)([dhms])/g)) {
    ms += Number(digits) * unitsMs[unit as keyof typeof unitsMs];
  }
  return ms;
}

/** The shortest text that reads back as the same time: 5400000 is "1h30m". Parts of a second are dropped. */
export function formatDuration(ms: number): string {
  let rest = Math.max(0, ms);
  let text = "";
  for (const [unit, unitMs] of Object.entries(unitsMs)) {
    const count = Math.floor(rest / unitMs);
    rest -= count * unitMs;
    if (count > 0) text += `${count}${unit}`;
  }
  return text === "" ? "0s" : text;
}
