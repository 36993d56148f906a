// What lstat says of an entry, as text that differs when the entry does.
import type { Stats } from "node:fs";

/** All that changes with the content of a file. In one piece, as `pathOf`. */
export function stampOf({ size, mtimeMs, ctimeMs, ino, mode }: Stats): string {
  return [size, mtimeMs, ctimeMs, ino, mode].join(" ");
}

/** Which folder it is, whatever its path. */
export function idOf({ dev, ino }: Stats): string {
  return `${dev}:${ino}`;
}
