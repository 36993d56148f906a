// Sizes as people write them: 16GB, 512MB, 1.5TB, 16GiB; bytes inside.

/** KB, MB, GB, TB are powers of 1000; KiB, MiB, GiB, TiB powers of 1024 (IEC 80000-13). */
export const sizePattern = /^\d{1,9}(?:\.\d{1,3})?(?:[KMGT]i?B)$/;

/** Bytes, or undefined for text that is no size. */
export function findSizeBytes(text: string): number | undefined {
  if (!sizePattern.test(text)) return undefined;
  const [, amount, letter, binary] = /^([\d.]+)([KMGT])(i?)B$/.exec(text) ?? [];
  const power = "KMGT".indexOf(letter ?? "") + 1;
  return Math.round(Number(amount) * (binary === "i" ? 1024 : 1000) ** power);
}
