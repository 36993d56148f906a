// Sizes as people write them: 500KB, 100MB, 16GB; bytes inside. A unit is 1024 of the one before.

/** One whole number and its unit; for the JSON Schema too. */
export const sizePattern = /^\d{1,9}(?:KB|MB|GB|TB)$/;

const unitsBytes = { TB: 1024 ** 4, GB: 1024 ** 3, MB: 1024 ** 2, KB: 1024 } as const;

/** Bytes, or undefined for text that is no size. */
export function findSizeBytes(text: string): number | undefined {
  if (!sizePattern.test(text)) return undefined;
  return Number(text.slice(0, -2)) * unitsBytes[text.slice(-2) as keyof typeof unitsBytes];
}

/** In the largest unit that it reaches, to one digit: 125829120 is "120MB". */
export function formatSize(bytes: number): string {
  for (const [unit, unitBytes] of Object.entries(unitsBytes)) {
    if (bytes >= unitBytes) return `${Number((bytes / unitBytes).toFixed(1))}${unit}`;
  }
  return `${bytes} bytes`;
}

/** "1 file", "3 files". */
export function formatCount(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
