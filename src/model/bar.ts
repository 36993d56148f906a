// A share as a bar of characters.
import { formatSize } from "./size.ts";

const width = 20;

/** "████████░░░░░░░░░░░░ 40 %  120MB of 300MB" */
export function formatBar(doneBytes: number, totalBytes: number): string {
  const share = totalBytes > 0 ? Math.min(1, doneBytes / totalBytes) : 1;
  const full = Math.round(share * width);
  const bar = "█".repeat(full) + "░".repeat(width - full);
  return `${bar} ${Math.floor(share * 100)} %  ${formatSize(doneBytes)} of ${formatSize(totalBytes)}`;
}
